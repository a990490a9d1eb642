// Where a model's files are, and those that the visitor adds to it, as the page names them to the worker.

/** Where a model's files are. `id` names what was chosen: another id is another model. */
export type ModelRef = (UrlModelRef | StoredModelRef | FolderModelRef | FileModelRef) & {
  /** A file with a VAE, which takes the place of the model's own. */
  readonly vae?: File;
  /** A UNet, in the same way: a file, or the folder of the model store that it was fetched into. */
  readonly unet?: File | StoredUnet;
};

export interface StoredUnet {
  readonly dir: string;
}

/** Served from a folder in the standard layout; `baseUrl` ends in `/`. */
export interface UrlModelRef {
  readonly kind: 'url';
  readonly id: string;
  readonly baseUrl: string;
  /** Bytes of the files that every run needs, by path, as far as they are known beforehand. */
  readonly bytes: Readonly<Record<string, number>>;
  /** Path of the VAE's encoder, which is fetched when a run begins from an image; null where it has none. */
  readonly encoder: string | null;
}

/** Fetched earlier into the origin's private file system; `dir` is its folder in the model store. */
export interface StoredModelRef {
  readonly kind: 'opfs';
  readonly id: string;
  readonly dir: string;
  /** As of a file on disk: the store may hold such a one. */
  readonly clipUrl: string;
}

/** A folder on the visitor's disk, used in place: files by path relative to it. */
export interface FolderModelRef {
  readonly kind: 'folder';
  readonly id: string;
  readonly files: ReadonlyMap<string, File>;
}

/** One `.safetensors` file on the visitor's disk that holds a whole model, used in place. */
export interface FileModelRef {
  readonly kind: 'file';
  readonly id: string;
  readonly file: File;
  /** The page's folder with CLIP's `merges.txt`, which no such file brings; ends in `/`. */
  readonly clipUrl: string;
}

/** A LoRA file on the visitor's disk, to be merged into the weights of a run's model. */
export interface LoraRef {
  /** Another id is another file. */
  readonly id: string;
  /** For people: the file's, without its ending. */
  readonly name: string;
  readonly file: File;
  /** 0 is as none. */
  readonly weight: number;
}

/** A textual inversion embedding on the visitor's disk, used by its name as a word of a prompt. */
export interface EmbeddingRef {
  /** Another id is another file. */
  readonly id: string;
  readonly name: string;
  readonly file: File;
}

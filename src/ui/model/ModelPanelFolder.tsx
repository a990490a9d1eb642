// A model in a folder on the visitor's disk. It is read in place: nothing is copied, nothing leaves the device.

import { useRef } from 'react';
import { hasFolderPicker, useModels } from '../../store/models';
import { ModelOnDisk } from './ModelOnDisk';

export function ModelPanelFolder({ onChosen }: { readonly onChosen: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const error = useModels((models) => models.error);
  const folder = useModels(({ choice, folder }) => (choice.ref.kind === 'folder' && !choice.ref.unet ? folder : null));
  const { pickFolder } = useModels.getState();
  const take = async (list: FileList | null) => {
    await pickFolder(list);
    if (useModels.getState().error === null && useModels.getState().choice.ref.kind === 'folder') onChosen();
  };
  return (
    <ModelOnDisk
      label="From a folder"
      title="From a folder on disk"
      hint={
        'The folder that holds unet/, text_encoder/, vae/ or vae_decoder/, tokenizer/ and scheduler/, as diffusers ' +
        '(.safetensors) and Optimum (ONNX) write them. It is read in place.'
      }
      inUse={folder && { text: `${folder.name} · ${folder.what}`, weights: folder.weights }}
      error={error}
    >
      <button type="button" onClick={() => (hasFolderPicker() ? void take(null) : input.current?.click())}>
        Open folder
      </button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label="Folder of a model"
        {...{ webkitdirectory: '' }}
        onChange={(event) => void take(event.target.files)}
      />
    </ModelOnDisk>
  );
}

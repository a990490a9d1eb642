// A model in one .safetensors file on the visitor's disk. It is read in place: nothing is copied or converted.

import { useRef } from 'react';
import { useModels } from '../../store/models';
import { ModelOnDisk } from './ModelOnDisk';
import { ModelPanelUnet } from './ModelPanelUnet';
import { ModelPanelVae } from './ModelPanelVae';

export function ModelPanelCheckpoint() {
  const input = useRef<HTMLInputElement>(null);
  const error = useModels((models) => models.checkpointError);
  const checkpoint = useModels(({ choice, checkpoint }) =>
    choice.ref.kind === 'file' && !choice.ref.unet ? checkpoint : null,
  );
  const { openCheckpoint } = useModels.getState();
  return (
    <ModelOnDisk
      label="From one .safetensors file"
      title="From a checkpoint on disk"
      hint={
        'A .safetensors file of Stable Diffusion 1.x, 2.x or XL that holds UNet, VAE and text encoder, or a UNet or ' +
        'VAE alone. It is read in place.'
      }
      inUse={checkpoint && { text: `${checkpoint.name} · ${checkpoint.what}`, weights: checkpoint.weights }}
      error={error}
    >
      <button type="button" onClick={() => input.current?.click()}>
        Open checkpoint
      </button>
      <ModelPanelUnet />
      <ModelPanelVae />
      <input
        ref={input}
        type="file"
        hidden
        accept=".safetensors"
        aria-label="Checkpoint file"
        onChange={({ target }) => {
          const [file] = target.files ?? [];
          if (file) void openCheckpoint(file);
          // The same file may be chosen again.
          target.value = '';
        }}
      />
    </ModelOnDisk>
  );
}

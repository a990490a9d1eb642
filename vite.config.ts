// How the page is built and served. Two things are not usual: the servers send the headers that make the page
// cross-origin isolated (threads in WebAssembly need it), and ONNX Runtime's glue script stays a file of its
// own, because its threads start from that file.

import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

import { contentSecurityPolicy } from './scripts/contentSecurityPolicy.ts';
import { firstPaint } from './scripts/firstPaint.ts';
import { hashedFolders } from './scripts/hashedFolders.ts';
import { thirdPartyNotices } from './scripts/thirdPartyNotices.ts';
import { VERSIONS } from './scripts/versions.ts';
import { ISOLATION_HEADERS } from './src/pwa/isolation.ts';

const notices = thirdPartyNotices();

export default defineConfig({
  // Relative, so that the page can be served from any folder.
  base: './',
  define: VERSIONS,
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  // What is found late makes the dev server reload the page: ONNX Runtime, which the engine imports on demand, and what
  // the workers import.
  optimizeDeps: { exclude: ['onnxruntime-web'], entries: ['index.html', 'src/*/{worker,modelsWorker}.ts'] },
  worker: { format: 'es', plugins: () => [notices.collect()] },
  build: {
    target: 'es2022',
    // The Content-Security-Policy admits no data: URLs but images.
    assetsInlineLimit: 0,
    // The wasm is 17 to 27 MB by nature; what this warns of are scripts.
    chunkSizeWarningLimit: 600,
  },
  server: { headers: ISOLATION_HEADERS },
  preview: { headers: ISOLATION_HEADERS },
  plugins: [
    react(),
    firstPaint(),
    contentSecurityPolicy(),
    hashedFolders(),
    notices.collect(),
    notices.serve(),
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src/pwa',
      filename: 'sw.ts',
      injectRegister: false,
      // The patterns below find the icons already.
      includeManifestIcons: false,
      injectManifest: {
        buildPlugins: { vite: [notices.write()] },
        globPatterns: ['**/*.{html,js,mjs,css,wasm,svg,png,json,onnx}', 'third-party-notices.txt', 'clip/*/merges.txt'],
        // Hashed names never change their content.
        dontCacheBustURLsMatching: /\/?assets\//,
        maximumFileSizeToCacheInBytes: 64 * 2 ** 20,
      },
      manifest: {
        name: 'Pagoda',
        short_name: 'Pagoda',
        description: 'Diffusion models and Perturbed-Attention Guidance on your own GPU',
        id: './',
        start_url: './',
        scope: './',
        display: 'standalone',
        background_color: '#101214',
        theme_color: '#101214',
        // Installed, it is offered for what can be dropped on it.
        file_handlers: [
          { action: './', accept: { 'image/png': ['.png'], 'application/octet-stream': ['.safetensors'] } },
        ],
        // Installed, it is where other apps share pictures to; `pwa/shared` has the names.
        share_target: {
          action: './share-target',
          method: 'POST',
          enctype: 'multipart/form-data',
          params: { files: [{ name: 'files', accept: ['image/png', 'image/jpeg', 'image/webp', '.safetensors'] }] },
        },
        icons: [
          { src: 'icons/pagoda.svg', sizes: 'any', type: 'image/svg+xml' },
          { src: 'icons/pagoda-192.png', sizes: '192x192', type: 'image/png' },
          { src: 'icons/pagoda-512.png', sizes: '512x512', type: 'image/png' },
          { src: 'icons/pagoda-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
        ],
      },
    }),
  ],
});

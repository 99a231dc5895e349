import { defineConfig } from 'vitest/config';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';

// LA2_URL: the node (or mock/main.mjs) that `npm run dev` speaks to.
const node = process.env['LA2_URL'] ?? 'http://127.0.0.1:18080';

// The development server reloads modules by inline scripts; the built page has none.
const withoutPolicyInDev: Plugin = {
  name: 'la2-dev-policy',
  apply: 'serve',
  transformIndexHtml: (html) => html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, ''),
};

export default defineConfig({
  plugins: [react(), withoutPolicyInDev],
  base: '/',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the policy of web.go allows no data: fonts
    modulePreload: { polyfill: false },
    sourcemap: false,
    chunkSizeWarningLimit: 700,
  },
  css: {
    preprocessorOptions: {
      scss: { quietDeps: true, silenceDeprecations: ['import'], loadPaths: ['node_modules'] },
    },
  },
  server: {
    port: 18173,
    strictPort: true,
    proxy: { '/cti': { target: node, ws: true } },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});

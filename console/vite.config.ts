import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** In development, ``vite`` serves what the product's own server serves: READING_ROOM_API names the API to use. */
const developmentConfig: Plugin = {
  name: "development-config",
  configureServer: (server) => {
    server.middlewares.use("/config.json", (_, response) => {
      const apiUrl = process.env["READING_ROOM_API"] ?? "http://127.0.0.1:4566";
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ apiUrl, region: "us-east-1", account: "000000000001", version: "development" }));
    });
  },
};

const ORIENTATION = /"aria-orientation": "horizontal", /g;

/** The design system's bar for narrow windows gives a ``nav`` an attribute of other roles, which axe reports as serious. */
const withoutOrientation: Plugin = {
  name: "without-orientation",
  transform(code, id) {
    if (!id.endsWith("app-layout/visual-refresh/mobile-toolbar.js")) return undefined;
    const { length } = code.match(ORIENTATION) ?? [];
    if (length !== 1) this.error("mobile-toolbar.js has changed: is this plugin still needed?");
    return code.replace(ORIENTATION, "");
  },
};

const PDFJS = join(import.meta.dirname, "node_modules/pdfjs-dist");

/** The files that pdf.js requests when a document needs them: tables of characters, and decoders of rare images. */
const pdfjsFiles: Plugin = {
  name: "pdfjs-files",
  generateBundle() {
    const { version } = JSON.parse(readFileSync(join(PDFJS, "package.json"), "utf8")) as { version: string };
    const wanted = [
      ...readdirSync(join(PDFJS, "cmaps")).map((name) => `cmaps/${name}`),
      ...["jbig2", "openjpeg"].map((name) => `wasm/${name}_nowasm_fallback.js`),
      ...["JBIG2", "OPENJPEG", "PDFJS_JBIG2", "PDFJS_OPENJPEG"].map((name) => `wasm/LICENSE_${name}`),
    ];
    for (const path of wanted) {
      const fileName = `assets/pdfjs-${version}/${path.replace("wasm/", "")}`;
      this.emitFile({ type: "asset", fileName, source: readFileSync(join(PDFJS, path)) });
    }
  },
};

export default defineConfig({
  plugins: [react(), developmentConfig, withoutOrientation, pdfjsFiles],
  build: {
    outDir: "../src/reading_room/console/static",
    emptyOutDir: true,
    target: "es2022",
    // The page's policy forbids inline code and styles, and data: addresses of scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    reportCompressedSize: false,
    // Licences of the bundled packages must be shipped with them.
    license: { fileName: "licenses.txt" },
  },
  server: { host: "127.0.0.1", strictPort: true },
  test: { environment: "happy-dom", include: ["tests/**/*.test.{ts,tsx}"], restoreMocks: true, testTimeout: 60_000 },
});

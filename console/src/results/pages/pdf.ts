import {
  AnnotationMode,
  GlobalWorkerOptions,
  getDocument,
  type PDFDocumentProxy,
  version,
} from "pdfjs-dist/legacy/build/pdf.mjs";
import workerUrl from "pdfjs-dist/legacy/build/pdf.worker.min.mjs?url";

GlobalWorkerOptions.workerSrc = workerUrl;

/** Where the build puts the files that pdf.js reads when a document needs them. */
const FILES = `/assets/pdfjs-${version}/`;
/** The most pixels of a page's picture: A4 at 300 dpi has 9 million. */
const PIXELS = 16_000_000;
const PATIENCE_MILLISECONDS = 30_000;

/** A page cannot be drawn in the time that it may take. */
export class SlowPage extends Error {
  override readonly name = "SlowPage";
}

/** A PDF, parsed in a worker of its own. Nothing in it is run, followed or fetched. */
export class Pdf {
  readonly #document: PDFDocumentProxy;

  private constructor(document: PDFDocumentProxy) {
    this.#document = document;
  }

  /** Open a PDF; its bytes are given away. Throws pdf.js's errors. */
  static async open(data: Uint8Array): Promise<Pdf> {
    const task = getDocument({
      data,
      wasmUrl: FILES,
      // The page's policy forbids WebAssembly; the same decoders exist as plain code.
      useWasm: false,
      cMapUrl: `${FILES}cmaps/`,
      enableXfa: false,
      disableAutoFetch: true,
      maxImageSize: 60_000_000,
      canvasMaxAreaInBytes: PIXELS * 4,
    });
    return new Pdf(await task.promise);
  }

  get pages(): number {
    return this.#document.numPages;
  }

  /** Draw a page, from 1, into a canvas of this width in pixels. Throws ``SlowPage`` and pdf.js's errors. */
  async draw(number: number, canvas: HTMLCanvasElement, width: number, signal: AbortSignal): Promise<void> {
    const page = await this.#document.getPage(number);
    const natural = page.getViewport({ scale: 1 });
    const most = Math.sqrt(PIXELS / (natural.width * natural.height));
    const viewport = page.getViewport({ scale: Math.min(width / natural.width, most) });
    signal.throwIfAborted();
    canvas.width = Math.max(1, Math.round(viewport.width));
    canvas.height = Math.max(1, Math.round(viewport.height));
    const task = page.render({ canvas, viewport, annotationMode: AnnotationMode.ENABLE });
    let slow = false;
    const timer = setTimeout(() => {
      slow = true;
      task.cancel();
    }, PATIENCE_MILLISECONDS);
    const stop = (): void => task.cancel();
    signal.addEventListener("abort", stop, { once: true });
    try {
      await task.promise;
    } catch (error) {
      if (slow) throw new SlowPage("Drawing the page takes too long.");
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      page.cleanup();
    }
  }

  close(): void {
    void this.#document.loadingTask.destroy();
  }
}

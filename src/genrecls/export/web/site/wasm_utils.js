// What LiteRT.js expects of @litertjs/wasm-utils: run the loader of its WebAssembly, and wrap it.

export async function createWasmLib(Library, loader) {
  await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = loader;
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error(`${loader} cannot be loaded`)));
    document.head.append(script);
  });
  const wasm = await self.ModuleFactory(self.Module);
  self.ModuleFactory = self.Module = undefined;
  return new Library(wasm);
}

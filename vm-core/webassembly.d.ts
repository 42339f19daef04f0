/** The part of the WebAssembly JavaScript API that vm-core uses; the DOM library that declares it is not available here. */
declare namespace WebAssembly {
  type ImportValue = Memory | Table | Global | ((...values: never[]) => unknown);
  type ExportValue = Memory | Table | Global | ((...values: number[]) => number);

  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }

  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;

  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, ImportValue>>);
    readonly exports: Readonly<Record<string, ExportValue>>;
  }

  class Memory {
    /** Sizes are in pages of 64 KiB. */
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }

  class Table {
    constructor(descriptor: { element: 'anyfunc'; initial: number; maximum?: number });
    readonly length: number;
    grow(count: number): number;
    get(index: number): unknown;
    set(index: number, value: unknown): void;
  }

  class Global {
    constructor(descriptor: { value: 'i32' | 'i64' | 'f64'; mutable?: boolean }, initial: number | bigint);
    value: number | bigint;
  }
}

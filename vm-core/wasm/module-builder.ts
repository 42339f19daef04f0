/** Puts functions, imports, a table and exports together into a WebAssembly module (WebAssembly core §5.5). */
import { ByteWriter } from './byte-writer.ts';
import { FunctionBuilder } from './function-builder.ts';

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

const VALUE_TYPE_CODES: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};
const FUNCTION_TYPE = 0x60;
const FUNCREF = 0x70;
/** A table among imports and exports. */
const EXTERNAL_TABLE = 0x01;

/** The types of a function's parameters and of its result, if it has one. */
export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly result?: ValueType;
}

/** A function of the module, imported or defined, as calls name it. */
export interface FunctionReference {
  readonly index: number;
  readonly signature: Signature;
}

/** A function that whoever calls it brings along: it is defined once in each module that has calls of it. */
export interface SharedFunction {
  readonly signature: Signature;
  readonly write: (f: FunctionBuilder) => void;
}

interface ImportedFunction extends FunctionReference {
  readonly module: string;
  readonly name: string;
}

export function valueTypeCode(type: ValueType): number {
  return VALUE_TYPE_CODES[type];
}

/** Import all functions before the first definition: imports come first in the index space. */
export class ModuleBuilder {
  readonly #types: string[] = [];
  readonly #signatures: Signature[] = [];
  readonly #imports: ImportedFunction[] = [];
  readonly #functions: FunctionBuilder[] = [];
  readonly #exports: { readonly name: string; readonly index: number }[] = [];
  readonly #elements: number[] = [];
  readonly #shared = new Map<SharedFunction, FunctionReference>();
  readonly #memoryMaximumPages: number;
  readonly #tableStart: number | undefined;

  /**
   * The module imports its memory as `env.memory`, of at most the given number of 64 KiB pages. Its table it makes and
   * exports as `table`; with `tableStart` it puts its functions into `env.table` from that place on.
   */
  constructor(memoryMaximumPages: number, tableStart?: number) {
    this.#memoryMaximumPages = memoryMaximumPages;
    this.#tableStart = tableStart;
  }

  typeIndex(signature: Signature): number {
    const key = `${signature.parameters.join()}>${signature.result ?? ''}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    this.#signatures.push(signature);
    return this.#types.push(key) - 1;
  }

  importFunction(name: string, signature: Signature): FunctionReference {
    if (this.#functions.length > 0) throw new Error(`import ${name} comes after a definition`);
    const imported = { module: 'env', name, index: this.#imports.length, signature };
    this.#imports.push(imported);
    this.typeIndex(signature);
    return imported;
  }

  /** Defines a function; its body is written through the builder that comes back. */
  defineFunction(signature: Signature, exportName?: string): FunctionBuilder {
    const index = this.#imports.length + this.#functions.length;
    const defined = new FunctionBuilder(this, index, signature);
    this.#functions.push(defined);
    this.typeIndex(signature);
    if (exportName !== undefined) this.#exports.push({ name: exportName, index });
    return defined;
  }

  /** The function in this module; it is defined at the first call. */
  shared(definition: SharedFunction): FunctionReference {
    const known = this.#shared.get(definition);
    if (known) return known;
    const f = this.defineFunction(definition.signature);
    this.#shared.set(definition, f);
    definition.write(f);
    return f;
  }

  /** The place of the function that comes next into the table. */
  get tableLength(): number {
    return (this.#tableStart ?? 0) + this.#elements.length;
  }

  /** Appends a function to the table and returns its place there. */
  addToTable(reference: FunctionReference): number {
    const place = this.tableLength;
    this.#elements.push(reference.index);
    return place;
  }

  /** The finished binary. */
  build(): Uint8Array<ArrayBuffer> {
    const bodies = this.#functions.map((defined) => defined.finish());
    const out = new ByteWriter();
    out.append([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    out.section(1, this.#typeSection());
    out.section(2, this.#importSection());
    out.section(
      3,
      vector(this.#functions, (w, defined) => w.unsigned(this.typeIndex(defined.signature))),
    );
    const ownsTable = this.#tableStart === undefined && this.#elements.length > 0;
    if (ownsTable) out.section(4, this.#tableSection());
    out.section(7, this.#exportSection(ownsTable));
    if (this.#elements.length > 0) out.section(9, this.#elementSection());
    out.section(10, vector(bodies, writeBody));
    return out.bytes;
  }

  #typeSection(): ByteWriter {
    return vector(this.#signatures, (writer, signature) => {
      writer.byte(FUNCTION_TYPE);
      writer.unsigned(signature.parameters.length);
      for (const type of signature.parameters) writer.byte(valueTypeCode(type));
      writer.unsigned(signature.result ? 1 : 0);
      if (signature.result) writer.byte(valueTypeCode(signature.result));
    });
  }

  #importSection(): ByteWriter {
    const writer = new ByteWriter();
    writer.unsigned(this.#imports.length + (this.#tableStart === undefined ? 1 : 2));
    for (const imported of this.#imports) {
      writer.name(imported.module);
      writer.name(imported.name);
      writer.byte(0x00);
      writer.unsigned(this.typeIndex(imported.signature));
    }
    writer.name('env');
    writer.name('memory');
    writer.byte(0x02);
    writer.byte(0x01);
    writer.unsigned(0);
    writer.unsigned(this.#memoryMaximumPages);
    if (this.#tableStart !== undefined) {
      writer.name('env');
      writer.name('table');
      writer.append([EXTERNAL_TABLE, FUNCREF, 0x00]);
      writer.unsigned(this.#tableStart + this.#elements.length);
    }
    return writer;
  }

  #exportSection(withTable: boolean): ByteWriter {
    const writer = new ByteWriter();
    writer.unsigned(this.#exports.length + (withTable ? 1 : 0));
    for (const { name, index } of this.#exports) {
      writer.name(name);
      writer.byte(0x00);
      writer.unsigned(index);
    }
    if (withTable) {
      writer.name('table');
      writer.append([EXTERNAL_TABLE, 0]);
    }
    return writer;
  }

  #tableSection(): ByteWriter {
    const writer = new ByteWriter();
    writer.append([1, FUNCREF, 0x00]);
    writer.unsigned(this.#elements.length);
    return writer;
  }

  #elementSection(): ByteWriter {
    const writer = new ByteWriter();
    writer.append([1, 0x00, 0x41]);
    writer.signed(this.#tableStart ?? 0);
    writer.byte(0x0b);
    writer.unsigned(this.#elements.length);
    for (const index of this.#elements) writer.unsigned(index);
    return writer;
  }
}

function vector<T>(items: readonly T[], write: (writer: ByteWriter, item: T) => void): ByteWriter {
  const writer = new ByteWriter();
  writer.unsigned(items.length);
  for (const item of items) write(writer, item);
  return writer;
}

function writeBody(writer: ByteWriter, body: ByteWriter): void {
  writer.unsigned(body.length);
  writer.append(body.bytes);
}

/** Puts functions, imports, a table and exports together into a WebAssembly module (WebAssembly core §5.5). */
import { ByteWriter } from './byte-writer.ts';
import { FunctionBuilder } from './function-builder.ts';

export type ValueType = 'i32' | 'i64' | 'f64';

const VALUE_TYPE_CODES: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f64: 0x7c };
const FUNCTION_TYPE = 0x60;
const FUNCREF = 0x70;

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
  readonly #memoryMaximumPages: number;

  /** The module imports its memory as `env.memory`, of at most the given number of 64 KiB pages. */
  constructor(memoryMaximumPages: number) {
    this.#memoryMaximumPages = memoryMaximumPages;
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

  /** Appends a function to the module's table and returns its place there. */
  addToTable(reference: FunctionReference): number {
    return this.#elements.push(reference.index) - 1;
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
    if (this.#elements.length > 0) out.section(4, this.#tableSection());
    out.section(7, vector(this.#exports, writeExport));
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
    writer.unsigned(this.#imports.length + 1);
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
    writer.append([1, 0x00, 0x41, 0x00, 0x0b]);
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

function writeExport(writer: ByteWriter, item: { readonly name: string; readonly index: number }): void {
  writer.name(item.name);
  writer.byte(0x00);
  writer.unsigned(item.index);
}

function writeBody(writer: ByteWriter, body: ByteWriter): void {
  writer.unsigned(body.length);
  writer.append(body.bytes);
}

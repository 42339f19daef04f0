/** How the editor colours the two kinds of code: lines of a disassembly, and WebAssembly's text format, one instruction a line. */
import type { languages as monacoLanguages } from 'monaco-editor/editor/editor.api.js';
import type { CodeLanguage } from './code-editor-element.ts';

const REGISTERS =
  /\b(?:[re]?(?:[abcd]x|[sd]i|[bsi]p)|[abcd][lh]|[sdb]pl|[sd]il|r(?:[89]|1[0-5])[dwb]?|[cdefgs]s|[cd]r\d+|st\d|[xy]?mm\d+)\b/;

export const languages: Readonly<Record<CodeLanguage, monacoLanguages.IMonarchLanguage>> = {
  guest: {
    tokenizer: {
      root: [
        [/^[\w.$@?]+:$/, 'label'],
        [/^(0x[0-9a-f]+)( {2}(?:[0-9a-f]{2} )+ *)(\w+)/, ['address', 'bytes', 'mnemonic']],
        [/;.*$|…/, 'comment'],
        [REGISTERS, 'register'],
        [/0x[0-9a-f]+|\b\d+\b/, 'number'],
        [/\b(?:byte|word|dword|qword|tword|oword|yword|rel|short|near|far)\b/, 'keyword'],
      ],
    },
  },
  generated: {
    tokenizer: {
      root: [
        [/;;.*$/, 'comment'],
        [/\b(?:block|loop|if|else|end|br|br_if|br_table|return|unreachable)\b/, 'keyword'],
        [/\b(?:return_)?call(?:_indirect)?\b/, 'keyword'],
        [/\$[\w.]+/, 'register'],
        [/\b(?:[if](?:32|64)|v128|[if]\d+x\d+|local|select|memory)(?:\.\w+)*/, 'mnemonic'],
        [/\boffset(?==)/, 'label'],
        [/-?\b\d+\b/, 'number'],
      ],
    },
  },
};

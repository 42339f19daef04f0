import { expect, it } from 'vitest';
import { fillPage } from './screen-page.ts';

const values = {
  cspSource: 'c',
  nonce: 'n',
  script: 's',
  style: 'y',
  codicons: '$1',
  speaker: 'w',
  codeEditor: 'e',
  codeEditorStyle: 's',
  language: 'de',
  texts: '{"<a>":"&"}',
};

it('fills placeholders literally, as often as they stand', () => {
  expect(fillPage('{{nonce}} {{codicons}} {{nonce}}', values)).toBe('n $1 n');
});

it('escapes what HTML would read', () => {
  expect(fillPage('<p title="{{texts}}">', values)).toBe('<p title="{&quot;&lt;a&gt;&quot;:&quot;&amp;&quot;}">');
});

it('throws for a placeholder that it does not know', () => {
  expect(() => fillPage('{{other}}', values)).toThrow('{{other}}');
});

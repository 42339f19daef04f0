/**
 * Takes the texts out of the manifest: each is replaced by a key, `%commands.x86vm.reset.title%`, and VS
 * Code looks the key up in package.nls.json or in the file of its language.
 */

/** Properties that hold a text for the user, wherever they are. */
const TEXT_PROPERTIES: ReadonlySet<string> = new Set([
  ...['title', 'label', 'description', 'markdownDescription', 'altText', 'contents', 'contextualTitle'],
]);
/** Levels of the manifest that say nothing in a key. */
const STRUCTURE: ReadonlySet<string> = new Set([
  'configurationAttributes',
  'configuration',
  'properties',
  'steps',
  'media',
]);
/** Properties that tell the members of a list apart, in the order in which they are looked for. */
const IDENTITIES = ['command', 'id', 'type', 'view'] as const;

export interface LocalizableManifest<Parts> {
  readonly parts: Parts;
  /** The English text of each key. */
  readonly texts: Readonly<Record<string, string>>;
}

/** Replaces the texts in parts of the manifest; `names` are the same in every language and stay. */
export function extractTexts<Parts extends object>(
  parts: Parts,
  names: ReadonlySet<string>,
): LocalizableManifest<Parts> {
  const texts: Record<string, string> = {};
  const visit = (value: unknown, path: readonly string[]): unknown => {
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, identityOf(item, index)]));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, visit(item, [...path, name])]));
    }
    if (typeof value !== 'string' || !isText(path) || names.has(value)) return value;
    const key = path.filter((name) => !STRUCTURE.has(name)).join('.');
    if (texts[key] !== undefined && texts[key] !== value)
      throw new Error(`two texts of the manifest have the key ${key}`);
    texts[key] = value;
    return `%${key}%`;
  };
  const visited = Object.entries(parts).map(([name, part]) => [
    name,
    visit(part, name === 'contributes' ? [] : [name]),
  ]);
  return { parts: Object.fromEntries(visited) as Parts, texts };
}

/** The properties of a launch configuration or a setting may be called as they like. */
function isText(path: readonly string[]): boolean {
  const [name = '', above] = [path.at(-1), path.at(-2)];
  if (path[0] === 'views' && name === 'name') return true;
  return TEXT_PROPERTIES.has(name) && above !== 'properties' && !path.includes('body');
}

function identityOf(item: unknown, index: number): string {
  const record = (typeof item === 'object' && item !== null ? item : {}) as Readonly<Record<string, unknown>>;
  const identity = IDENTITIES.map((name) => record[name]).find((value) => typeof value === 'string');
  return typeof identity === 'string' ? identity : String(index);
}

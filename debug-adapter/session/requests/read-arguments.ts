/** Compares the arguments of a request with the table: handlers only see what the protocol's types promise. */
import { localized } from '../../protocol/localized.ts';
import { UserError } from '../user-error.ts';
import { argumentShapes, type ObjectShape, type Shape } from './argument-shapes.ts';
import type { Arguments, Command } from './request-types.ts';

/**
 * The arguments of a request, without fields that are null (some clients send that for what they have not got). Throws
 * a UserError that names the first one that is missing or of the wrong type.
 */
export function readArguments<C extends Command>(command: C, given: unknown): Arguments<C> {
  return readShape(argumentShapes[command], given ?? {}, command, '') as Arguments<C>;
}

const EXPECTED = {
  whole: 'a whole number',
  text: 'a text',
  boolean: 'true or false',
  object: 'an object',
  any: 'a value',
} as const;

const SHOWN_MAX = 40;

function readShape(shape: Shape, value: unknown, command: string, path: string): unknown {
  const [element] = Array.isArray(shape) ? (shape as readonly [Shape]) : [];
  if (!matches(shape, value)) {
    const text = JSON.stringify(value) ?? String(value);
    const shown = text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}…`;
    const problem = `${path === '' ? 'arguments' : path} must be ${expected(shape)}, not ${shown}`;
    throw new UserError('bad-argument', localized('{0}: {1}', command, problem));
  }
  if (element !== undefined) {
    return (value as readonly unknown[]).map((item, index) => readShape(element, item, command, `${path}[${index}]`));
  }
  return typeof shape === 'object' ? readFields(shape as ObjectShape, value as object, command, path) : value;
}

function readFields(shape: ObjectShape, value: object, command: string, path: string): object {
  const read: Record<string, unknown> = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
  for (const [key, field] of Object.entries(shape)) {
    const name = key.replace(/\?$/, '');
    const at = path === '' ? name : `${path}.${name}`;
    const given = Object.hasOwn(read, name) ? read[name] : undefined;
    if (given !== undefined) read[name] = readShape(field, given, command, at);
    else if (name === key)
      throw new UserError('bad-argument', localized('{0}: {1} is missing; give {2}', command, at, expected(field)));
  }
  return read;
}

function expected(shape: Shape): string {
  if (typeof shape === 'string') return EXPECTED[shape];
  return Array.isArray(shape) ? 'a list' : EXPECTED.object;
}

function matches(shape: Shape, value: unknown): boolean {
  switch (shape) {
    case 'any':
      return true;
    case 'whole':
      return Number.isSafeInteger(value);
    case 'text':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    default:
      return Array.isArray(shape)
        ? Array.isArray(value)
        : typeof value === 'object' && value !== null && !Array.isArray(value);
  }
}

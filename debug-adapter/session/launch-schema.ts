/** The JSON schema of launch.json's attributes, as package.json contributes it, made from the table. */
import { type LaunchArgument, type LaunchArgumentType, launchArgumentRows } from './launch-arguments.ts';

type Schema = Readonly<Record<string, unknown>>;

const TYPE_SCHEMAS: Readonly<Record<LaunchArgumentType, Schema>> = {
  path: { type: 'string' },
  text: { type: 'string' },
  boolean: { type: 'boolean' },
  cpus: { type: ['integer', 'string'], minimum: 1, maximum: 16, pattern: '^[0-9]+(x[0-9]+x[0-9]+)?$' },
  size: { type: ['string', 'integer'], pattern: '^[0-9]+[KMGkmg]?$' },
  address: { type: ['string', 'integer'] },
  choice: {},
  modules: {
    type: 'array',
    items: {
      anyOf: [
        { type: 'string' },
        {
          type: 'object',
          properties: { path: { type: 'string' }, commandLine: { type: 'string' } },
          required: ['path'],
          additionalProperties: false,
        },
      ],
    },
  },
  listings: {
    type: 'array',
    items: {
      anyOf: [
        { type: 'string' },
        {
          type: 'object',
          properties: {
            path: { type: 'string' },
            source: { type: 'string' },
            loadAddress: { type: ['string', 'integer'] },
            imageOffset: { type: ['string', 'integer'] },
          },
          required: ['path'],
          additionalProperties: false,
        },
      ],
    },
  },
};

/** The `properties` of the launch request. */
export function launchSchemaProperties(): Readonly<Record<string, Schema>> {
  return Object.fromEntries(launchArgumentRows.map((row) => [row.name, schemaOf(row)]));
}

function schemaOf(row: LaunchArgument): Schema {
  return {
    ...TYPE_SCHEMAS[row.type],
    ...(row.type === 'choice' ? { enum: row.choices } : {}),
    markdownDescription: row.description,
    ...(row.default === undefined ? {} : { default: row.default }),
  };
}

/** The settings of the extension: one row each. The manifest's schema and the type of a setting are derived from it. */

export const SETTINGS = {
  'x86vm.openScreenOnStart': {
    type: 'boolean',
    default: true,
    description: 'Open the machine’s screen beside the code when a debug session starts.',
  },
} as const;

export type SettingId = keyof typeof SETTINGS;

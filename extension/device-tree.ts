/** The device tree in the debug sidebar: the devices of the machine that is being debugged, with their registers. */
import * as vscode from 'vscode';
import { localized } from '../debug-adapter/protocol/localized.ts';
import {
  type DeviceModel,
  describeRegister,
  deviceChanged,
  formatRegister,
  NO_DEVICES,
  withUpdate,
} from './device-model.ts';
import type { Sessions } from './sessions.ts';
import type { VmSession } from './vm-session.ts';

/** The view's id in the manifest. */
export const DEVICES_VIEW = 'x86vm.devices';

/** The colour of values that changed, as the Variables view has it. */
const CHANGED = new vscode.ThemeColor('debugView.valueChangedHighlight');

/** A device, or a register of one; positions in the model. */
interface Node {
  readonly device: number;
  readonly register?: number;
}

export class DeviceTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly onDidChangeTreeData: vscode.Event<undefined>;
  private readonly changed = new vscode.EventEmitter<undefined>();
  private readonly sessions: Sessions;
  private readonly view: vscode.TreeView<Node>;
  private readonly subscriptions: vscode.Disposable[];
  private session: VmSession | undefined;
  private updates: { dispose(): void } | undefined;
  private model: DeviceModel = NO_DEVICES;

  constructor(sessions: Sessions) {
    this.sessions = sessions;
    this.onDidChangeTreeData = this.changed.event;
    this.view = vscode.window.createTreeView(DEVICES_VIEW, { treeDataProvider: this });
    this.subscriptions = [
      this.view,
      this.changed,
      this.view.onDidChangeVisibility(({ visible }) => this.session?.requestDevices({ type: 'visible', visible })),
      vscode.debug.onDidChangeActiveDebugSession(() => this.follow()),
    ];
  }

  /** Shows the session that the debug views show. */
  follow(): void {
    const session = this.sessions.active?.vm;
    if (session === this.session) return;
    this.leave();
    this.session = session;
    this.updates = session?.onDevicesUpdate((update) => this.show(withUpdate(this.model, update)));
    this.show(NO_DEVICES);
    if (this.view.visible) session?.requestDevices({ type: 'visible', visible: true });
  }

  getChildren(node?: Node): Node[] {
    if (node === undefined) return this.model.devices.map((_, device) => ({ device }));
    const registers = node.register === undefined ? this.model.devices[node.device]?.registers : undefined;
    return (registers ?? []).map((_, register) => ({ device: node.device, register }));
  }

  getTreeItem({ device, register }: Node): vscode.TreeItem {
    return register === undefined ? this.deviceItem(device) : this.registerItem(device, register);
  }

  dispose(): void {
    this.leave();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private deviceItem(device: number): vscode.TreeItem {
    const row = this.model.devices[device];
    const { None, Collapsed } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(row?.name ?? '', row?.registers.length ? Collapsed : None);
    const changed = deviceChanged(this.model, device);
    item.id = `${device}`;
    item.description = row?.title ?? '';
    item.tooltip = `${row?.title}\n${row?.specification}`;
    item.iconPath = new vscode.ThemeIcon('circuit-board', changed ? CHANGED : undefined);
    const words = [row?.name, row?.title, ...(changed ? [localized('changed')] : [])];
    item.accessibilityInformation = { label: words.join(', ') };
    return item;
  }

  private registerItem(device: number, register: number): vscode.TreeItem {
    const row = this.model.devices[device]?.registers[register];
    const shown = this.model.values[device]?.[register];
    const item = new vscode.TreeItem(row?.name ?? '');
    if (row === undefined) return item;
    const text = shown === undefined ? '' : formatRegister(shown.value, row.width);
    const changed = shown?.changed ?? false;
    item.id = `${device}.${register}`;
    item.description = text;
    item.tooltip = new vscode.MarkdownString(describeRegister(row));
    item.iconPath = changed ? new vscode.ThemeIcon('circle-filled', CHANGED) : new vscode.ThemeIcon('symbol-field');
    item.accessibilityInformation = { label: `${row.name} ${text}${changed ? `, ${localized('changed')}` : ''}` };
    return item;
  }

  private show(model: DeviceModel): void {
    this.model = model;
    this.changed.fire(undefined);
  }

  private leave(): void {
    this.updates?.dispose();
    this.session?.requestDevices({ type: 'visible', visible: false });
    this.session = undefined;
  }
}

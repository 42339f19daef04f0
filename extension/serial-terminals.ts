/** Terminals of VS Code on the serial ports of machines: one for each port, used again when its machine is started anew. */
import * as vscode from 'vscode';
import type { SerialPort } from '../debug-adapter/protocol/serial.ts';
import { localized } from '../debug-adapter/protocol/localized.ts';
import { SerialLine, type SerialRemarks } from './serial-line.ts';
import type { VmSession } from './vm-session.ts';

/** What PC software calls the ports. */
export const PORT_NAMES: Readonly<Record<SerialPort, string>> = { 'uart-1': 'COM1', 'uart-2': 'COM2' };
/** Output is acknowledged at the pace of a display: 64 KiB in each picture at most. */
const SHOWN_AFTER_MS = 16;

export class SerialTerminals implements vscode.Disposable {
  private readonly terminals = new Set<SerialTerminal>();

  /** Shows the terminal of a session's port. */
  open(session: VmSession, name: string, port: SerialPort, takeFocus: boolean): void {
    const title = `${PORT_NAMES[port]}: ${name}`;
    const own = [...this.terminals].find((terminal) => terminal.port === port && terminal.line.connects(session));
    const terminal = own ?? this.idle(title) ?? this.create(title, port);
    if (terminal !== own) terminal.connect(session);
    terminal.show(takeFocus);
  }

  dispose(): void {
    for (const terminal of [...this.terminals]) terminal.dispose();
  }

  private idle(title: string): SerialTerminal | undefined {
    return [...this.terminals].find((terminal) => terminal.title === title && !terminal.line.connected);
  }

  private create(title: string, port: SerialPort): SerialTerminal {
    const terminal = new SerialTerminal(title, port, () => this.terminals.delete(terminal));
    this.terminals.add(terminal);
    return terminal;
  }
}

class SerialTerminal implements vscode.Pseudoterminal {
  readonly title: string;
  readonly port: SerialPort;
  readonly line: SerialLine;
  private readonly written = new vscode.EventEmitter<string>();
  private readonly closed = new vscode.EventEmitter<void>();
  readonly onDidWrite: vscode.Event<string> = this.written.event;
  readonly onDidClose: vscode.Event<void> = this.closed.event;
  private readonly terminal: vscode.Terminal;
  private readonly gone: () => void;
  private isOpen = false;
  /** Connected to as soon as the terminal is there: what is written before is not shown. */
  private awaited: VmSession | undefined;

  constructor(title: string, port: SerialPort, gone: () => void) {
    this.title = title;
    this.port = port;
    this.gone = gone;
    this.line = new SerialLine({
      port,
      remarks: remarks(),
      write: (text) => this.written.fire(text),
      afterShown: (callback) => setTimeout(callback, SHOWN_AFTER_MS),
    });
    this.terminal = vscode.window.createTerminal({
      name: title,
      pty: this,
      iconPath: new vscode.ThemeIcon('plug'),
      isTransient: true,
    });
  }

  connect(session: VmSession): void {
    if (this.isOpen) this.line.attach(session);
    else this.awaited = session;
  }

  show(takeFocus: boolean): void {
    this.terminal.show(!takeFocus);
  }

  dispose(): void {
    this.terminal.dispose();
  }

  open(): void {
    this.isOpen = true;
    if (this.awaited !== undefined) this.line.attach(this.awaited);
    this.awaited = undefined;
  }

  close(): void {
    this.isOpen = false;
    this.line.detach();
    this.gone();
  }

  /** Once the machine is gone a key closes the terminal, as the terminals of tasks do. */
  handleInput(text: string): void {
    if (this.line.connected) this.line.type(text);
    else this.closed.fire();
  }
}

function remarks(): SerialRemarks {
  return {
    restarted: localized('The machine was started anew.'),
    ended: (detail) => localized('The machine is gone: {0}. Press any key to close the terminal.', detail),
    outputLost: (count) =>
      localized('{0} bytes of output were left out: they came faster than they can be shown.', count),
    inputLost: (count) =>
      localized('{0} bytes of input were not taken: the guest does not read its serial port.', count),
  };
}

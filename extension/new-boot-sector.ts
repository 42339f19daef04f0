/** A first program to debug, in an editor of its own: the user saves it where it belongs. */
import * as vscode from 'vscode';

const SOURCE = `; A boot sector: the BIOS loads it to 0000:7C00 and jumps to it.

        bits 16
        org 0x7c00

start:
        cli
        xor ax, ax
        mov ds, ax                      ; no segment is certain but CS
        mov ss, ax
        mov sp, start                   ; the stack grows down from here
        cld
        sti

        mov si, message
.next:
        lodsb
        test al, al
        jz .done
        mov ah, 0x0e                    ; INT 10h, AH = 0Eh: print AL
        mov bx, 0x0007
        int 0x10
        jmp .next
.done:
        hlt
        jmp .done

message db "Hello from the boot sector", 13, 10, 0

        times 510 - ($ - $$) db 0
        dw 0xaa55                       ; the mark by which a BIOS knows a boot sector
`;

/** Opens the source; nothing is written to disk. */
export async function openNewBootSector(): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ language: 'nasm', content: SOURCE });
  await vscode.window.showTextDocument(document);
}

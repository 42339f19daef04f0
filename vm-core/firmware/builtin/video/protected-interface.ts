/**
 * The protected-mode interface of the VESA BIOS extension (VBE 3.0, function 0Ah): a table and 32-bit code that programs copy
 * to wherever they like. It keeps all registers but AX. (A table: exempt from the length limit.)
 */

/** Offsets of the functions 05h, 07h and 09h, and no list of ports and memory: everything is reached by ports. */
const TABLE = [0x23, 0, 0x31, 0, 0x81, 0, 0, 0];

const CODE: readonly number[] = [
  // Writes ECX to the register EAX of the display interface.
  ...[0xba, 0xce, 0x01, 0x00, 0x00], // mov edx, 1CEh
  ...[0x66, 0xef], // out dx, ax
  ...[0x42], // inc edx
  ...[0x89, 0xc8], // mov eax, ecx
  ...[0x66, 0xef], // out dx, ax
  ...[0xc3], // ret
  // Reads the register EAX into EAX.
  ...[0xba, 0xce, 0x01, 0x00, 0x00], // mov edx, 1CEh
  ...[0x66, 0xef], // out dx, ax
  ...[0x42], // inc edx
  ...[0x66, 0xed], // in ax, dx
  ...[0x0f, 0xb7, 0xc0], // movzx eax, ax
  ...[0xc3], // ret
  // 05h: DX is the window.
  ...[0x60], // pushad
  ...[0x0f, 0xb7, 0xca], // movzx ecx, dx
  ...[0x6a, 0x05], // push 5
  ...[0x58], // pop eax
  ...[0xe8, 0xd9, 0xff, 0xff, 0xff], // call dispi_write
  ...[0xeb, 0x72], // jmp short done
  // 07h: DX:CX is the first doubleword. Register 3 is BPP, 6 VIRT_WIDTH, 8 X_OFFSET, 9 Y_OFFSET.
  ...[0x60], // pushad
  ...[0xc1, 0xe2, 0x10], // shl edx, 16
  ...[0x66, 0x89, 0xca], // mov dx, cx
  ...[0xc1, 0xe2, 0x02], // shl edx, 2
  ...[0x89, 0xd7], // mov edi, edx
  ...[0x6a, 0x03], // push 3
  ...[0x58], // pop eax
  ...[0xe8, 0xd0, 0xff, 0xff, 0xff], // call dispi_read
  ...[0x83, 0xc0, 0x07], // add eax, 7
  ...[0xc1, 0xe8, 0x03], // shr eax, 3
  ...[0x89, 0xc6], // mov esi, eax
  ...[0x6a, 0x06], // push 6
  ...[0x58], // pop eax
  ...[0xe8, 0xc0, 0xff, 0xff, 0xff], // call dispi_read
  ...[0xf7, 0xe6], // mul esi
  ...[0x89, 0xc3], // mov ebx, eax
  ...[0x31, 0xd2], // xor edx, edx
  ...[0x89, 0xf8], // mov eax, edi
  ...[0x85, 0xdb], // test ebx, ebx
  ...[0x74, 0x42], // jz done
  ...[0xf7, 0xf3], // div ebx
  ...[0x89, 0xc3], // mov ebx, eax
  ...[0x89, 0xd0], // mov eax, edx
  ...[0x31, 0xd2], // xor edx, edx
  ...[0xf7, 0xf6], // div esi
  ...[0x89, 0xc1], // mov ecx, eax
  ...[0x6a, 0x08], // push 8
  ...[0x58], // pop eax
  ...[0xe8, 0x93, 0xff, 0xff, 0xff], // call dispi_write
  ...[0x89, 0xd9], // mov ecx, ebx
  ...[0x6a, 0x09], // push 9
  ...[0x58], // pop eax
  ...[0xe8, 0x89, 0xff, 0xff, 0xff], // call dispi_write
  ...[0xeb, 0x22], // jmp short done
  // 09h: CX colours from DX on, of four bytes each at ES:EDI.
  ...[0x60], // pushad
  ...[0x0f, 0xb7, 0xc9], // movzx ecx, cx
  ...[0x89, 0xd0], // mov eax, edx
  ...[0xba, 0xc8, 0x03, 0x00, 0x00], // mov edx, 3C8h
  ...[0xee], // out dx, al
  ...[0x42], // inc edx
  ...[0xe3, 0x13], // jecxz done
  // next:
  ...[0x26, 0x8a, 0x47, 0x02], // mov al, [es:edi+2]
  ...[0xee], // out dx, al
  ...[0x26, 0x8a, 0x47, 0x01], // mov al, [es:edi+1]
  ...[0xee], // out dx, al
  ...[0x26, 0x8a, 0x07], // mov al, [es:edi]
  ...[0xee], // out dx, al
  ...[0x83, 0xc7, 0x04], // add edi, 4
  ...[0xe2, 0xed], // loop next
  // done:
  ...[0x61], // popad
  ...[0x66, 0xb8, 0x4f, 0x00], // mov ax, 4Fh
  ...[0xc3], // ret
];

/** Table and code, one behind the other. */
export const PROTECTED_INTERFACE: readonly number[] = [...TABLE, ...CODE];

; What a kernel begins with that is booted directly: a Multiboot header at 1 MiB. It leads to `start`, in 32-bit code with flat
; segments and interrupts off.

BASE            equ 100000h
; The segment in which code in virtual-8086 mode reaches this image.
REACH           equ 0ffffh
        org 100000h
        bits 32
header: dd 1badb002h, 10000h, -(1badb002h + 10000h)
        dd header, header, 0, 0, start


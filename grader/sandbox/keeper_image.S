/* sandbox/keeper_image.S: the bytes of the keeper's program (keeper_main.c), which sandbox_open() starts. */
    .section .rodata
    .balign 16
    .globl keeper_image, keeper_image_end
keeper_image:
    .incbin KEEPER_PROGRAM
keeper_image_end:
    .section .note.GNU-stack, "", %progbits

/** Exception vectors that instructions raise by themselves (SDM vol. 3A §6.3.1). */
export const VECTOR_DE = 0;
export const VECTOR_BP = 3;
export const VECTOR_UD = 6;
export const VECTOR_NM = 7;
export const VECTOR_GP = 13;
export const VECTOR_MF = 16;
export const VECTOR_AC = 17;
export const VECTOR_XM = 19;

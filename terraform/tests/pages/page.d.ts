export const page: number;

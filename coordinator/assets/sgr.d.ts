/** Text of one look; `className` is empty for plain text. */
export interface SgrPiece {
  readonly text: string;
  readonly className: string;
}

export function splitSgr(text: string): SgrPiece[];

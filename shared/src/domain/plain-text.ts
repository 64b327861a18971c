// CSI and OSC sequences, then other two-byte escapes: what ECMA-48 terminals act upon.
// oxlint-disable-next-line no-control-regex -- control characters are what it is for
const ESCAPES = /\u001b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g;
// oxlint-disable-next-line no-control-regex -- control characters are what it is for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Text of a foreign program as a person may read it: no colours, no cursor moves; line ends and tabs stay. */
export function plainText(text: string): string {
  return text.replace(ESCAPES, '').replace(CONTROLS, '');
}

import { InvalidArgumentError } from "commander";

/** A count or sequence from the command line. */
export function atLeastOne(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("a whole number from 1 up is wanted");
}

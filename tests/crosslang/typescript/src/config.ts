/** The config of a runner; see ../../README.md for what each part means. */
import { readFileSync } from "node:fs";

export interface Endpoint {
  address: string;
  token?: string;
  ca_file?: string;
  certificate_file?: string;
  key_file?: string;
}

export interface Config {
  run: string;
  default: string;
  endpoints: Record<string, Endpoint>;
  absent: Record<string, string>;
  tokens: Record<string, string>;
  controls: string[];
}

export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

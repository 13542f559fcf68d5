// Generates the stubs from the descriptor set of the API: what protoc would do, without an installation of protoc.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";

const [descriptors, folder] = process.argv.slice(2);
const protoFile = fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)).file;
// The types of google.protobuf come with the library.
const fileToGenerate = protoFile.map(({ name }) => name).filter((name) => !name.startsWith("google/protobuf/"));
const request = create(CodeGeneratorRequestSchema, {
  protoFile,
  fileToGenerate,
  parameter: "target=ts,import_extension=js",
});
const answer = execFileSync(process.execPath, ["node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es"], {
  input: toBinary(CodeGeneratorRequestSchema, request),
  maxBuffer: 2 ** 26,
});
const response = fromBinary(CodeGeneratorResponseSchema, answer);
if (response.error) {
  throw new Error(response.error);
}
rmSync(folder, { recursive: true, force: true });
for (const { name, content } of response.file) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), content);
}

// Checks an OpenAPI document with a validator that knows nothing of ours: node validate.mjs openapi.json
import { readFile } from 'node:fs/promises';
import { Validator } from '@seriousme/openapi-schema-validator';

const document = JSON.parse(await readFile(process.argv[2], 'utf8'));
const validator = new Validator();
const result = await validator.validate(document);
console.log(JSON.stringify({ valid: result.valid, version: validator.version, errors: result.errors ?? [] }, null, 1));
process.exit(result.valid && validator.version === '3.1' ? 0 : 1);

// Answers GraphQL requests with graphql-js, the reference implementation. Reads
// {sdl, cases: [{query, variables}], introspection?} from standard input and
// prints {answers: [{data?, errors?}], schemas?: [string, string], introspected?: object}: every field
// answers its arguments as JSON, the two schemas are that of the SDL and that of the
// answer to the introspection query, sorted and printed, and introspected is that answer
// as graphql-js gives it.
import {
  buildClientSchema, buildSchema, executeSync, getIntrospectionQuery, introspectionFromSchema, isObjectType, lexicographicSortSchema, parse, printSchema, validate,
} from 'graphql';

const everything = { descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true };

let input = '';
for await (const chunk of process.stdin) input += chunk;
const { sdl, cases, introspection } = JSON.parse(input);

if (sdl === undefined) {
  console.log(JSON.stringify({
    query: getIntrospectionQuery(everything),
  }));
  process.exit(0);
}

const schema = buildSchema(sdl);
for (const type of Object.values(schema.getTypeMap())) {
  if (!isObjectType(type) || type.name.startsWith('__')) continue;
  for (const field of Object.values(type.getFields())) field.resolve = (_, args) => JSON.stringify(args);
}

function answer({ query, variables }) {
  let document;
  try {
    document = parse(query);
  } catch (error) {
    return { errors: [error] };
  }
  const errors = validate(schema, document);
  return errors.length > 0 ? { errors } : executeSync({ schema, document, variableValues: variables });
}

const print = (s) => printSchema(lexicographicSortSchema(s));
console.log(JSON.stringify({
  answers: cases.map(answer),
  schemas: introspection && [print(schema), print(buildClientSchema(introspection))],
  introspected: introspection && introspectionFromSchema(schema, everything),
}));

// Answers GraphQL requests with graphql-js, the reference implementation. Reads
// {sdl, cases: [{query, variables}], introspection?} from standard input and
// prints {answers: [{data?, errors?}], schemas?: [string, string]}: every field
// answers its arguments as JSON, and the two schemas are that of the SDL and that
// of the answer to the introspection query, sorted and printed.
import {
  GraphQLSchema, buildClientSchema, buildSchema, executeSync, getIntrospectionQuery, isObjectType, lexicographicSortSchema, parse, printSchema, validate,
} from 'graphql';

let input = '';
for await (const chunk of process.stdin) input += chunk;
const { sdl, cases, introspection } = JSON.parse(input);

if (sdl === undefined) {
  console.log(JSON.stringify({
    query: getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true }),
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

// The query does not ask for the description of the schema itself.
const print = (s) => printSchema(lexicographicSortSchema(new GraphQLSchema({ ...s.toConfig(), description: undefined })));
console.log(JSON.stringify({
  answers: cases.map(answer),
  schemas: introspection && [print(schema), print(buildClientSchema(introspection))],
}));

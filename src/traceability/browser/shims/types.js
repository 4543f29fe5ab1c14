// types: a mapping nobody writes to is a mapping.

export function MappingProxyType(mapping) {
  return mapping;
}

"""The levels of a kernel suite. Each check gives what is wrong as texts, none where all is well."""

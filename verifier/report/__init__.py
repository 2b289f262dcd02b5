"""Reports: `data` is what was found, `text` draws it, `json_form` writes it, `schema` types it."""

"""The language: what can be said, and what it means.  Imports no other part of planproof."""

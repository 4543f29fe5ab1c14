"""Labels, certificates, packs: facts in, files out."""

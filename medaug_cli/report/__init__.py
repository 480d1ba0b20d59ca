"""Reports: pictures and pages made from a manifest and the files it names."""

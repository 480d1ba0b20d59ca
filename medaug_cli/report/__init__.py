"""Reports: pictures and pages for people."""

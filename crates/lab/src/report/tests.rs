//! Reports of a made-up run, whole, against the files in `golden/`.

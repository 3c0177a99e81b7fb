//! Replays the corpora of the fuzz targets, and whatever a fuzzer has left beside them, on stable.

#![allow(clippy::unwrap_used, reason = "a test that fails there says where")]

use std::fs;
use std::path::Path;

#[test]
fn every_corpus_holds() {
    for (name, run) in lavapool_fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../fuzz/corpus")
            .join(name);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut count = 0;
        for entry in entries {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            run(&fs::read(path).unwrap());
            count += 1;
        }
        assert!(count > 0, "{name} has a corpus");
    }
}

#[test]
fn every_target_holds_on_noise() {
    let mut state = 1_u64;
    let mut next = || {
        // Knuth's MMIX generator; its high bits are good enough for noise.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for (_, run) in lavapool_fuzz::TARGETS {
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..next()).map(|_| next()).collect();
            run(&bytes);
        }
    }
}

//! Any text as an intent file: it is refused with its place, or its rules can be matched and tested.
#![no_main]

use hearthd_fuzz::{read, say};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for path in ["fuzz.yaml", "fuzz.json"] {
        let (rules, _) = read(path, text);
        for said in ["turn on the lamp", "set the lamp to 50 percent", "a", "what is it"] {
            for lang in ["en", "de", ""] {
                say(&rules, said, lang);
            }
        }
        let _ = rules.run_tests();
    }
});

//! Files that are read without a problem, and what is wrong with them all the same.

use super::super::{check, load};
use crate::core::intents::Source;

fn sources(texts: &[&str]) -> Vec<Source> {
    let name = |number: usize| format!("{}.yaml", char::from(b'a' + u8::try_from(number).unwrap()));
    texts.iter().enumerate().map(|(number, text)| Source { path: name(number), text: (*text).to_owned() }).collect()
}

/// Problems and notes as lines; reading them finds none.
fn found(texts: &[&str]) -> (Vec<String>, Vec<String>) {
    let sources = sources(texts);
    let (rules, problems) = load(&sources);
    assert_eq!((problems, rules.notes()), (Vec::new(), &[][..]));
    let (rules, problems) = check(&sources);
    let lines = |found: &[crate::core::yaml::Problem]| found.iter().map(ToString::to_string).collect::<Vec<_>>();
    (lines(&problems), lines(rules.notes()))
}

fn problems(text: &str) -> Vec<String> {
    found(&[text]).0
}

fn notes(text: &str) -> Vec<String> {
    found(&[text]).1
}

#[track_caller]
fn assert_one(found: &[String], start: &str, parts: &[&str]) {
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with(start), "{found:#?}");
    for part in parts {
        assert!(found[0].contains(part), "{part}: {found:#?}");
    }
}

#[test]
fn a_sentence_that_never_wins_is_told() {
    // The second one says nothing that the first one does not say.
    let text = "\
intents:
  X:
    data:
      - sentences:
          - turn on [the] {name}
          - turn on the {name}
          - turn it on
";
    assert_one(
        &notes(text),
        "a.yaml:6:13: this sentence never wins: `turn on [the] {name}` at a.yaml:5",
        &["take it out"],
    );
    // The other way round each of them wins something.
    let swapped = text.replace("[the]", "x").replace("the {name}", "[the] {name}").replace('x', "the");
    assert_eq!(notes(&swapped), Vec::<String>::new());
}

#[test]
fn a_sentence_that_wins_something_is_left_alone() {
    for text in [
        // For other things.
        "intents: {X: {data: [{sentences: ['on {name}'], requires_context: {domain: light}}, {sentences: ['on {name}'], requires_context: {domain: [light, fan]}}]}}",
        // In a room.
        "intents: {X: {data: [{sentences: [lights on], requires_context: {area: {slot: true}}}, {sentences: [lights on]}]}}",
        // For other numbers.
        "lists: {a: {range: {from: 0, to: 10}}, b: {range: {from: 0, to: 99}}}\nintents: {X: {data: [{sentences: ['at {a}', 'at {b}']}]}}",
        // With a word less.
        "intents: {X: {data: [{sentences: ['(a|b|c) [d] [e] [f] [g] [h] go', '[a] [d] [e] [f] [g] [h] go']}]}}",
    ] {
        assert_eq!(found(&[text]), (Vec::new(), Vec::new()), "{text}");
    }
    // What needs a room comes too late behind what needs none.
    let text = "intents: {X: {data: [{sentences: [lights on]}, {sentences: [lights on], requires_context: {area: {slot: true}}}]}}";
    assert_one(&notes(text), "a.yaml:1:", &["never wins"]);
}

#[test]
fn a_sentence_of_two_intents_is_a_problem_at_the_later_one() {
    let text = "\
intents:
  On: {data: [{sentences: ['(start|begin) {name}']}]}
  Play:
    data:
      - sentences: ['[please] (start|play) {name}']
";
    assert_one(
        &problems(text),
        "a.yaml:5:22: \u{201c}start \u{2039}name\u{203a}\u{201d} is claimed by two intents: by Play here and, no worse, by On as `(start|begin) {name}` at a.yaml:2",
        &["requires_context"],
    );
    let apart = text
        .replace("{name}']}", "{name}'], requires_context: {domain: light}}")
        .replace("{name}']\n", "{name}']\n        requires_context: {domain: media_player}\n");
    assert_eq!(problems(&apart), Vec::<String>::new());
    // A wildcard is worse than a word, so that nothing but the words decides.
    let text = "lists: {what: {wildcard: true}}\nintents: {A: {data: [{sentences: [play music]}]}, B: {data: [{sentences: ['play {what:item}']}]}}";
    assert_eq!(problems(text), Vec::<String>::new());
    // A regex claims as well.
    let text = "intents: {A: {data: [{regex: halt}]}, B: {data: [{sentences: [halt]}]}}";
    assert_one(&problems(text), "a.yaml:1:", &["by A as `halt` at a.yaml:1"]);
}

#[test]
fn what_an_imported_file_claims_is_a_note() {
    let own = "intents: {Mine: {data: [{sentences: [good night]}]}}";
    let imported = "origin: somebody 1.0\nintents: {Theirs: {data: [{sentences: [good night, good night]}]}}";
    let (rules, found) = check(&sources(&[own, imported]));
    assert_eq!(found, []);
    let notes: Vec<String> = rules.notes().iter().map(ToString::to_string).collect();
    assert!(notes.iter().any(|note| note.starts_with("a.yaml:1:") && note.contains("yours wins")), "{notes:#?}");
    assert!(notes.iter().all(|note| !note.contains("never wins:")), "{notes:#?}");
    assert_eq!(rules.find("good night", "", None).unwrap().name, "Mine");
}

#[test]
fn places_and_things_that_no_list_has_are_problems() {
    let text = "\
lists:
  area: {values: [{in: '(living|sitting) room', out: living_room}, kitchen]}
  name: {values: [{in: desk lamp, out: lamp_1, context: {area: kitchn}}]}
intents:
  HassTurnOn:
    data:
      - sentences: [light]
        requires_context: {area: {value: [Kitchen, sitting-room, attic], slot: true}}
        slots: {name: lamp1, domain: lihgt}
      - sentences: [all]
        slots: {name: all}
        lists: {area: {values: [attic]}}
        excludes_context: {area: attic}
actions:
  HassTurnOn:
    - when: {area: [living_room, kitchen], name: desk lamp, floor: ground}
      publish: {topic: t}
    - when: {name: true, area: kitchenette}
      publish: {topic: u}
";
    let found = problems(text);
    let starts = [
        "a.yaml:3:64: unknown area `kitchn`; did you mean `kitchen`?",
        "a.yaml:8:28: unknown area `attic`; known are `kitchen`, `living_room`",
        "a.yaml:9:23: unknown device `lamp1`; did you mean `lamp_1`?",
        "a.yaml:18:32: unknown area `kitchenette`",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found}");
    }
}

#[test]
fn without_a_list_any_place_may_be() {
    let text = "intents: {X: {data: [{sentences: [go], requires_context: {area: attic}, slots: {name: lamp}}]}}";
    assert_eq!(problems(text), Vec::<String>::new());
}

#[test]
fn lists_and_rules_that_nothing_names_are_noted() {
    let text = "\
lists:
  used: {values: [a]}
  in_rule: {values: [b]}
  in_regex: {values: [c]}
  idle: {values: [d]}
  area: {values: [e]}
expansion_rules:
  outer: '<inner> {in_rule}'
  inner: x
  lost: '<also_lost>'
  also_lost: y
intents:
  HassX:
    data:
      - sentences: ['<outer> {used}']
        lists: {own: {values: [f]}}
        expansion_rules: {mine: z}
      - regex: 'go (?P<in_regex>.+)'
";
    let notes = notes(text);
    let expected = [
        "a.yaml:5:3: no sentence has `{idle}` in it: use the list, or take it out",
        "a.yaml:10:9: no sentence has `<lost>` in it: use the rule, or take it out",
        "a.yaml:11:14: no sentence has `<also_lost>` in it: use the rule, or take it out",
        "a.yaml:16:17: no sentence of the block has `{own}` in it: use the list, or take it out",
        "a.yaml:17:33: no sentence of the block has `<mine>` in it: use the rule, or take it out",
    ];
    assert_eq!(notes, expected);
    // With a mistake in the files, what uses a list may be missing.
    let (rules, found) = check(&sources(&[text, "intents: {Y: {data: [{sentences: ['{idle} <nothing>']}]}}"]));
    assert_eq!((found.len(), rules.notes().len()), (1, 0), "{found:?} {:?}", rules.notes());
}

#[test]
fn what_blocks_share_by_an_anchor_may_be_unused_in_each() {
    let text = "\
intents:
  HassX:
    data:
      - sentences: ['go {up}', '<now> go']
        lists: &lists
          up: {values: [up]}
          down: {values: [down]}
        expansion_rules: &rules {now: now, then: then}
      - sentences: ['come {down}', '<then> come']
        lists: *lists
        expansion_rules: *rules
";
    assert_eq!(notes(text), Vec::<String>::new());
}

#[test]
fn a_list_of_a_language_is_used_by_a_file_of_all() {
    let all = "lists: {colour: {values: [x]}}\nintents: {X: {data: [{sentences: ['[very] {colour}']}]}}";
    let en = "language: en\nlists: {colour: {values: [red]}, shape: {values: [round]}}";
    let de = "language: de\nlists: {colour: {values: [rot]}}\nintents: {Y: {data: [{sentences: [los]}]}}";
    let (problems, notes) = found(&[all, en, de]);
    assert_eq!(problems, Vec::<String>::new());
    assert_one(&notes, "b.yaml:2:", &["`{shape}`"]);
}

#[test]
fn slots_that_are_filled_in_vain_are_noted() {
    let text = "\
lists: {mood: {values: [warm, cold]}, what: {wildcard: true}}
expansion_rules: {moody: 'be {mood}'}
intents:
  Own:
    data:
      - sentences: ['be {mood} today', 'say {what} [{mood}]']
        response: I said {what}.
      - sentences: ['shout {what:words} [{name}]']
        actions: [{publish: {topic: t, payload: {text: 'say \"{words}\"'}}}]
      - sentences: ['whisper {what:@words}']
        response: Sh.
  ForOthers: {data: [{sentences: ['feel {mood}']}]}
  HassOwn: {data: [{sentences: ['<moody> here'], response: Done.}]}
  Acted: {data: [{sentences: ['now {mood}']}]}
actions:
  Acted: [{when: {mood: warm}, publish: {topic: t}}]
";
    let notes = notes(text);
    let expected = [
        // The first sentence that has it.
        "a.yaml:6:25: nothing uses the slot `mood`: write `{mood}` into the response or a message, or leave it out of the sentence",
        "a.yaml:6:22: this sentence never fills `{what}` of its block's response, which then says nothing there: move it to a block of its own, or answer without the slot",
    ];
    for expected in expected {
        assert!(notes.iter().any(|note| note == expected), "{expected}\n{notes:#?}");
    }
    assert_eq!(notes.len(), expected.len(), "{notes:#?}");
}

#[test]
fn an_answer_may_name_what_every_sentence_or_the_room_fills() {
    let text = "\
lists: {colour: {values: [red]}}
intents:
  HassX:
    data:
      - sentences: ['paint {name} {colour}', 'make {name} <tint>']
        expansion_rules: {tint: '[very] {colour}'}
        requires_context: {area: {slot: true}}
        slots: {domain: light}
        response: '{name} in the {area} is {colour}, a {domain}.'
      - sentences: [stop, 'halt {colour}']
        response: '{{ slots.colour }}'
responses: {intents: {HassY: {default: 'The {name}.'}}}
";
    assert_eq!(notes(text), Vec::<String>::new());
    let more = text.replace("  HassX:", "  HassY: {data: [{sentences: [wait, 'wait for {name}']}]}\n  HassX:");
    assert_one(&notes(&more), "a.yaml:3:", &["never fills `{name}`"]);
}

#[test]
fn single_braces_in_a_jinja_template_are_noted() {
    let text = "\
intents:
  HassX:
    response: 'It is {{ slots.name }} in {area}.'
    data:
      - sentences: ['find {name} in {area}']
      - sentences: ['look for {name} in {area}']
      - sentences: ['see {name}']
        response: nothing
      - sentences: ['seek {name} in the {area}']
        response: '{name} is in {area}'
responses: {intents: {HassX: {nothing: 'No {% if slots.name %}{name}{% endif %}'}}}
";
    let found = notes(text);
    assert_eq!(found.len(), 2, "{found:#?}");
    for (start, part) in
        [("a.yaml:3:42: ", "`{area}` is said as it stands: write `{{ slots.area }}`"), ("a.yaml:11:63: ", "`{name}`")]
    {
        assert!(found.iter().any(|note| note.starts_with(start) && note.contains(part)), "{start} {part} {found:#?}");
    }
}

#[test]
fn any_value_of_a_list_may_win() {
    let text = "\
lists:
  more: {values: [{in: '(another|one more)', out: 1}]}
  size: {values: [a, b, c, d, e, f, g, h]}
intents:
  X:
    data:
      - sentences: ['[another] minute', 'SENTENCE']
";
    // Its first value is taken, its other one is not.
    assert_eq!(notes(&text.replace("SENTENCE", "{more} minute[ {size}]")), Vec::<String>::new());
    // Values that were not tried may win, so that nothing is claimed of them.
    let literal = "(a|b|c|d|e|f|g|h) hour', '{size} hour', '[{more}] go";
    assert_one(
        &notes(&text.replace("SENTENCE", literal)),
        "a.yaml:7:",
        &["wins with none of the texts that were tried"],
    );
    let few = text.replace("SENTENCE", literal).replace(", g, h]", "]");
    assert_one(&notes(&few), "a.yaml:7:", &["this sentence never wins: `(a|b|c|d|e|f|g|h) hour`"]);
}

#[test]
fn an_answer_of_an_imported_file_is_no_problem_of_the_own_block() {
    let own = "intents: {X: {data: [{sentences: [go]}]}}";
    let imported = "origin: somebody 1.0\nresponses: {intents: {X: {default: '{{ nonsense '}}}";
    let (rules, problems) = check(&sources(&[own, imported]));
    assert_eq!(problems, []);
    assert!(rules.notes().iter().any(|note| note.message.contains("no Jinja template")), "{:?}", rules.notes());
    assert_eq!(rules.find("go", "", None).unwrap().response, "OK.");
}

/// A home and an intent of somebody's own, for actions.
const HOME: &str = "\
lists:
  name:
    values:
      - {in: desk lamp, out: lamp_1, context: {domain: light, maker: acme}}
      - {in: kettle, out: kettle, context: {domain: switch}}
  color: {values: [{in: red, out: red, context: {hex: '#f00'}}, {in: blue, out: blue, context: {hex: '#00f'}}]}
  level: {range: {from: 0, to: 9}}
intents:
  Mine: {data: [{sentences: ['my {name} [is {color}] [at {level}]'], slots: {how: softly}, response: '{name} {level}'}]}
";

#[test]
fn slips_of_the_pen_in_actions_are_problems() {
    let acts = "\
actions:
  Mien:
    - when: {name: true}
      publish: {topic: 'a/{nmae}'}
  Mine:
    - when: {nmae: true}
      publish: {topic: a/b}
    - when: {domain: ligth, how: [softly, sotfly], makre: acme, color: {value: rde}}
      publish:
        - {topic: 'a/{nmae}', payload: '{color.hxe}'}
        - {topic: a, payload: {deep: [1, 'is {levle}'], maker: '{name.makr}'}}
  HassTurnOnn: [{publish: {topic: t}}]
";
    let expected = [
        "b.yaml:2:3: no sentence is for the intent `Mien`, so that none of this is ever done; did you mean `Mine`?",
        "b.yaml:4:27: `{nmae}` is no slot of Mine, so that this is never sent; did you mean `{name}`?",
        "b.yaml:6:14: `nmae` is no slot of Mine, and is known of nothing that can be named, so that this is never done; did you mean `name`?",
        "b.yaml:8:22: `domain` is never `ligth`, so that this is never done; did you mean `light`?",
        "b.yaml:8:43: `how` is never `sotfly`, so that this is never done; did you mean `softly`?",
        "b.yaml:8:52: `makre` is no slot of Mine, and is known of nothing that can be named, so that this is never done; did you mean `maker`?",
        "b.yaml:8:65: `color` is never `rde`, so that this is never done; did you mean `red`?",
        "b.yaml:10:22: `{nmae}` is no slot of Mine, so that this is never sent; did you mean `{name}`?",
        "b.yaml:10:41: `{color.hxe}`: `hxe` is known of no value of `color`, so that this is never sent; did you mean `{color.hex}`?",
        "b.yaml:11:46: `{levle}` is no slot of Mine, so that this is never sent; did you mean `{level}`?",
        "b.yaml:11:65: `{name.makr}`: `makr` is known of no value of `name`, so that this is never sent; did you mean `{name.maker}`?",
        "b.yaml:12:3: no sentence is for the intent `HassTurnOnn`, so that none of this is ever done; did you mean `HassTurnOn`?",
    ];
    assert_eq!(found(&[HOME, acts]), (expected.map(str::to_owned).to_vec(), Vec::new()));
    // A mistake in a test hides none of them, one that keeps a sentence from being read does: it may have the slot.
    let with = |more: &str| check(&sources(&[HOME, acts, more])).1.len();
    assert_eq!(with("tests: [{say: x, intent: Your}]"), expected.len() + 1);
    assert_eq!(with("intents: {Mine: {data: [{sentences: ['{levle} <nothing>']}]}}"), 1);
}

#[test]
fn actions_that_other_files_may_bring_to_life_are_no_problems() {
    let acts = "\
actions:
  HassTurnOn:
    - when: {name: true, domain: [light, lawn_mower], area: true, state: dim, except: true}
      publish: {topic: '{name}/{area}', payload: {brightness: '{brightness}', who: '{name.friendly_name}'}}
  HearthdLightStep: [{when: {brightness_step: up}, publish: {topic: t}}]
  Mine:
    - when: {domain: light, device_class: blind, maker: acme, how: Softly, color: [red, blue], level: 3, name: {slot: true}}
      publish: {topic: 't/{name.maker}/{name.area}/{how}', payload: '{ no slot } {\"a\": \"{color.hex}\"} {level}'}
";
    let german = "language: de\nlists: {laut: {values: [laut]}}\nintents: {Mine: {data: [{sentences: ['mein {name} {laut:volume}']}]}}";
    let more = "actions: {Mine: [{when: {volume: laut}, publish: {topic: '{volume}'}}]}";
    assert_eq!(found(&[HOME, acts, german, more]), (Vec::new(), Vec::new()));
    // What is like nothing that is known may be meant for what is yet to come.
    let later = "actions: {Guests: [{publish: {topic: t}}], Mine: [{when: {zone: x, how: loudly, domain: quux}, publish: {topic: '{name.zzz}'}}]}";
    let (problems, notes) = found(&[HOME, later]);
    assert_eq!(problems, Vec::<String>::new());
    let parts = ["`Guests`", "`zone`", "never `loudly`", "never `quux`", "`{name.zzz}`"];
    assert_eq!(notes.len(), parts.len(), "{notes:#?}");
    for part in parts {
        assert!(notes.iter().any(|note| note.contains(part) && !note.contains("did you mean")), "{part} {notes:#?}");
    }
    // An imported file is nobody's to mend.
    let imported = format!("origin: somebody 1.0\n{later}");
    assert_eq!(found(&[HOME, &imported]), (Vec::new(), Vec::new()));
}

#[test]
fn what_a_list_says_of_a_value_is_looked_at_in_blocks_too() {
    let block = "\
intents:
  Paint:
    actions: [{publish: {topic: t, payload: {hex: '{color.hxe}'}}}]
    data:
      - sentences: ['paint it {color}', 'paint {name} {color}']
      - sentences: ['wash {color} [at {level}]']
        actions: [{publish: {topic: 'x/{color.hex}', payload: 'is {level.unit}'}}]
";
    let (problems, notes) = found(&[HOME, block]);
    assert_one(&problems, "b.yaml:3:52: `{color.hxe}`", &["did you mean `{color.hex}`?"]);
    assert_eq!(
        notes,
        ["b.yaml:7:67: `{level.unit}`: nothing is known of what fills `level`, so that this is never sent"]
    );
}

#[test]
fn a_sentence_that_a_name_outranks_is_noted() {
    let on = "intents: {On: {data: [{sentences: ['(turn|switch) on [the] {name}'], response: Done.}]}}";
    let own = "\
intents:
  Own:
    data:
      - sentences: ['turn on [the] desk lamp', 'turn on the kettle (now|please)', 'turn on [the] desk']
        actions: [{publish: {topic: t}}]
";
    let (problems, notes) = found(&[HOME, on, own]);
    assert_eq!(problems, Vec::<String>::new());
    assert_one(
        &notes,
        "c.yaml:4:22: this sentence never wins with the names that are known: every one of the 2 ways to say it, such as \u{201c}turn on the desk lamp\u{201d}, is taken by `(turn|switch) on [the] {name}` of On at b.yaml:1; this one loses because it names nothing of the home, and the longest name of a thing wins;",
        &["put a word into it that the other does not have", "under `actions:` of On"],
    );
    // What nothing carries out takes nothing from what does something.
    assert_eq!(found(&[HOME, &on.replace("On:", "HassTurnOn:"), own]), (Vec::new(), Vec::new()));
    // Where no name is known, where one way to say it is won, and where there are too many to try, nothing is said.
    let nameless = HOME.replace("desk lamp", "shelf");
    assert_eq!(found(&[&nameless, on, own]), (Vec::new(), Vec::new()));
    let fewer = own.replace("turn on [the] desk lamp", "(turn|flip) on the desk lamp");
    assert_eq!(found(&[HOME, on, &fewer]), (Vec::new(), Vec::new()));
    let many = own.replace("turn on [the] desk lamp", "turn on [the] desk lamp at {level}");
    assert_eq!(found(&[HOME, &on.replace("{name}", "{name} [at {level}]"), &many]).0, Vec::<String>::new());
}

#[test]
fn a_sentence_with_values_of_lists_is_outranked_only_by_all_of_them() {
    let on = "intents: {On: {data: [{sentences: ['use [the] {name}'], response: Done.}]}}";
    let own = "\
lists: {tool: {values: [desk lamp, kettle]}}
intents:
  Own: {data: [{sentences: ['use {tool}'], response: '{tool}'}]}
";
    let (_, notes) = found(&[HOME, on, own]);
    assert_one(&notes, "c.yaml:3:30: ", &["every one of the 2 ways", "the longest name of a thing wins"]);
    assert_eq!(found(&[HOME, on, &own.replace("kettle]", "kettle, saw]")]), (Vec::new(), Vec::new()));
}

#[test]
fn empty_lists_that_sentences_name_are_noted() {
    let text = "\
language: en
lists:
  nothing: {values: []}
  filled: {values: []}
  floor: {values: []}
intents:
  HassX:
    data:
      - sentences: ['pick {nothing} {filled}', 'go to {floor}']
      - sentences: ['take {color}']
        lists: {color: {values: []}}
";
    let notes = found(&[text, "lists: {filled: {values: [a]}}"]).1;
    let expected = [("a.yaml:3:3", "{nothing}"), ("a.yaml:11:17", "{color}")].map(|(place, list)| {
        format!(
            "{place}: the list has no values, so that nothing can be said where a sentence has `{list}`: give it some"
        )
    });
    assert_eq!(notes, expected);
}

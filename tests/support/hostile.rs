//! Intent files and utterances that were made to do harm: to take long, or to fill the memory. For the test that they do
//! none, and for the bench that says how long they take.

use std::fmt::Write;

/// An intent file that does harm if it is let.
pub(crate) struct Hostile {
    pub(crate) name: &'static str,
    pub(crate) text: String,
}

/// Bytes that are left for what is repeated: a file may have 256 KiB.
const ROOM: usize = 250 * 1024;

/// `head`, then what `each` makes of 0, 1, 2 … for as long as the file has room.
fn filled(name: &'static str, head: &str, each: impl Fn(usize) -> String) -> Hostile {
    let mut text = head.to_owned();
    for number in 0.. {
        let next = each(number);
        if text.len() + next.len() > ROOM {
            break;
        }
        text.push_str(&next);
    }
    Hostile { name, text }
}

fn intent(sentence: &str) -> String {
    format!("intents: {{I: {{data: [{{sentences: ['{sentence}']}}]}}}}\n")
}

/// Files of up to 256 KiB.
pub(crate) fn files() -> Vec<Hostile> {
    let mut files = written_deep();
    files.extend(many());
    files.extend(standing_for_much());
    files
}

/// Deep, or short and long once it is written out.
fn written_deep() -> Vec<Hostile> {
    let mut laughs = "a: &a0 [x, x]\n".to_owned();
    for level in 1..40 {
        let _ = writeln!(laughs, "b{level}: &a{level} [*a{0}, *a{0}]", level - 1);
    }
    let aliases = format!("l: &l [{}]\nm: [{}]\n", "x,".repeat(1_000), "*l,".repeat(50_000));
    let mut steps = String::new();
    for level in 0..700 {
        let _ = writeln!(steps, "{:level$}a:", "");
    }
    vec![
        Hostile { name: "lists inside lists", text: "[".repeat(ROOM) },
        Hostile { name: "mappings inside mappings", text: "{a: ".repeat(ROOM / 4) },
        Hostile { name: "blocks inside blocks", text: steps },
        Hostile { name: "dashes inside dashes", text: "- ".repeat(ROOM / 2) },
        Hostile { name: "aliases of aliases", text: laughs },
        Hostile { name: "many aliases", text: aliases },
        Hostile { name: "groups inside groups", text: format!("language: en\n{}", intent(&"(a|[".repeat(2_000))) },
        Hostile { name: "quotes that never end", text: format!("language: \"{}", "\\\\".repeat(ROOM / 2 - 8)) },
        Hostile { name: "tabs", text: format!("a:\n{}", "\t".repeat(ROOM)) },
        Hostile { name: "no YAML", text: "\u{0}\u{fffd}%@`".repeat(ROOM / 8) },
    ]
}

/// Very many of something.
fn many() -> Vec<Hostile> {
    let sentences = "language: en\nintents:\n  I:\n    data:\n    - sentences:\n";
    let item = |text: String| format!("      - {text}\n");
    let listed = format!("language: en\nlists: {{x: {{values: [a]}}}}\n{}", &sentences["language: en\n".len()..]);
    vec![
        filled("sentences", sentences, |n| item(format!("a {n}"))),
        filled("sentences of one letter", sentences, |_| item("a".to_owned())),
        filled("sentences of one rule that is unknown", sentences, |_| item("<a>".to_owned())),
        filled("sentences of rules that are unknown", sentences, |n| item(format!("<a{n}>"))),
        filled("sentences of lists that are unknown", &listed, |n| item(format!("'{{x{n}}}'"))),
        filled("mistakes", sentences, |_| item("(".to_owned())),
        filled("keys that are unknown", "language: en\n", |n| format!("k{n}: 1\n")),
        filled("keys that stand twice", "language: en\n", |_| "k: 1\n".to_owned()),
        filled("lists", &format!("{}lists:\n", intent("a")), |n| format!("  l{n}: {{wildcard: true}}\n")),
        filled("values", &format!("{}lists:\n  l:\n    values:\n", intent("a {l}")), |n| format!("    - v {n}\n")),
        filled("names", &format!("{}lists:\n  name:\n    values:\n", intent("a {name}")), |n| format!("    - v {n}\n")),
        filled("ranges", &format!("language: en\n{}lists:\n", intent("a")), |n| {
            format!("  l{n}: {{range: {{from: 0, to: {n}}}}}\n")
        }),
        filled("skip words", &format!("{}skip_words:\n", intent("a")), |n| format!("- w{n}\n")),
        filled("slots", "language: en\nintents:\n  I:\n    data:\n", |n| {
            format!("    - sentences: ['a {{0..9:s{n}}}']\n")
        }),
        filled("intents", "language: en\nintents:\n", |n| format!("  I{n}: {{data: [{{sentences: [a]}}]}}\n")),
        filled("tests", &format!("{}tests:\n", intent("a")), |_| "- {say: a b, intent: J}\n".to_owned()),
    ]
}

/// Short, and standing for very much.
fn standing_for_much() -> Vec<Hostile> {
    let mut doubled = intent("a <r40>");
    doubled.push_str("expansion_rules:\n  r0: a\n");
    for level in 1..=40 {
        let _ = writeln!(doubled, "  r{level}: '<r{0}><r{0}>'", level - 1);
    }
    let all = |inside: &str| format!("({})", [inside; 8].join(";"));
    let orders = all(&all(&all("[a]")));
    let ways = "(a|b)".repeat(12);
    let lists = |value: &str| format!("{}lists:\n  l:\n    values:\n    - '{value}'\n", intent("x {l}"));
    let large = format!("(a{})", "|a".repeat(3_900));
    let half = format!("(a{})", "|a".repeat(1_900));
    let too_large = format!("({half};{half};c;d;e)");
    let rules_of = |rule: &str| format!("language: en\nexpansion_rules:\n  r: '{rule}'\nintents:\n  I:\n    data:\n");
    vec![
        Hostile { name: "rules of rules twice over", text: doubled },
        Hostile { name: "any order of any order", text: intent(&format!("x {orders}")) },
        filled("any orders", &format!("{}    - sentences:\n", rules_of("x")), |n| {
            format!("      - 'x{n} {}'\n", all("[a]"))
        }),
        filled("any order of the same rule", &format!("{}    - sentences:\n", rules_of(&all("[a|b]"))), |n| {
            format!("      - 'x{n} (<r>;<r>;<r>;<r>)'\n")
        }),
        Hostile { name: "a value that stands for millions", text: lists(&"(a|b)".repeat(1_600)) },
        Hostile { name: "a value of all orders", text: lists(&all("(a|b|c)")) },
        filled("values that stand for thousands", &format!("{}lists:\n  l:\n    values:\n", intent("x {l}")), |n| {
            format!("    - '{n} {ways}'\n")
        }),
        filled("a list that stands for thousands, again and again", &rules_of("x"), |_| {
            format!("    - {{lists: {{l: {{values: ['{ways}']}}}}, sentences: ['x {{l}}']}}\n")
        }),
        filled("a large rule, again and again", &format!("{}    - sentences:\n", rules_of(&large)), |n| {
            format!("      - x{n} <r>\n")
        }),
        filled("a rule too large, again and again", &format!("{}    - sentences:\n", rules_of(&too_large)), |_| {
            "      - <r>\n".to_owned()
        }),
        filled("a large rule, by blocks of their own", &rules_of(&large), |_| {
            "    - {lists: {l: {wildcard: true}}, sentences: [<r>]}\n".to_owned()
        }),
        filled("a range of billions", &format!("{}lists:\n", intent("x {l0}")), |n| {
            format!("  l{n}: {{range: {{from: -2000000000, to: {n}, step: 0.0001, fractions: tenths}}}}\n")
        }),
        filled("regexes", "language: en\nintents:\n  I:\n    data:\n", |n| {
            format!("    - regex: 'a{n}(\\w{{200}}\\d{{200}}){{40}}'\n")
        }),
    ]
}

/// Utterances of 4,000 characters.
pub(crate) fn utterances() -> Vec<(&'static str, String)> {
    let long = |text: &str| text.chars().cycle().take(4_000).collect::<String>();
    vec![
        ("one letter", long("a")),
        ("one word", long("play ")),
        ("wildcard words", long("play x by y ")),
        ("digits", long("7")),
        ("numbers", long("50 ")),
        ("signs", long("-5,5.")),
        ("number words", long("twenty five ")),
        ("skip words", long("please ")),
        ("skip words and letters", long("pleaseplease could you ")),
        ("names", long("kitchen light ")),
        ("names that nearly are", long("kitchn ligth ")),
        ("joined by and", long("turn on the kitchen light and ")),
        ("questions", long("what is the ")),
        ("commands", long("turn on the light in the kitchen to 50 percent ")),
        ("apostrophes", long("l'")),
        ("hyphens", long("a-b_")),
        ("letters that grow", long("İŉΐ")),
        ("marks", long("e\u{301}\u{302}")),
        ("no words", long("漢字")),
    ]
}

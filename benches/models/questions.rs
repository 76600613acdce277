//! What is asked. No two questions of a run begin with the same words, so that of what was computed before only the system
//! prompt is of use; none is about now or here, which hearthd would add the time to.

/// What stands first in every prompt: 60 tokens or so with what the chat template puts around it.
pub(crate) const SYSTEM: &str = "You are the voice of a smart home. Answer in one or two short spoken sentences, in \
                                 plain words, without lists or markup. You cannot control devices; if asked to, say \
                                 that you did not. Be friendly and honest, and say so where you do not know.";

#[rustfmt::skip]
const THINGS: [&str; 96] = [
    "Magnets", "Volcanoes", "Honey", "Glaciers", "Clouds", "Bridges", "Compasses", "Whales", "Rainbows", "Mushrooms",
    "Telescopes", "Bread", "Spiders", "Deserts", "Candles", "Paper", "Owls", "Tides", "Coral", "Windmills", "Salt",
    "Thunder", "Bicycles", "Penguins", "Mirrors", "Steam", "Ants", "Rivers", "Kites", "Glass", "Wolves", "Maps",
    "Cheese", "Pyramids", "Sharks", "Bamboo", "Violins", "Earthquakes", "Chocolate", "Dolphins", "Iron", "Fog", "Bees",
    "Castles", "Sand", "Turtles", "Silk", "Comets", "Pepper", "Rockets", "Eagles", "Amber", "Submarines", "Wool",
    "Lightning", "Potatoes", "Camels", "Copper", "Waterfalls", "Butterflies", "Ink", "Dinosaurs", "Coffee", "Ice",
    "Pianos", "Frogs", "Canals", "Diamonds", "Elephants", "Soap", "Meteors", "Rubber", "Horses", "Lighthouses", "Tea",
    "Cactuses", "Planets", "Rice", "Tunnels", "Snakes", "Marble", "Satellites", "Apples", "Trains", "Wood", "Parrots",
    "Vinegar", "Hurricanes", "Gold", "Squirrels", "Concrete", "Moss", "Airplanes", "Olives", "Foxes", "Batteries",
];
const SHORT: [&str; 4] = [
    "what are they good for?",
    "what should a child know about that?",
    "who uses them?",
    "what is special about that?",
];
const LONG: [&str; 2] = [
    "please explain at length how people came to know about that, step by step, with all that matters.",
    "please tell a long and detailed story about that, with many people in it.",
];

/// Questions that were not asked before.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    asked: usize,
}

impl Questions {
    /// A question of ten tokens or so.
    pub(crate) fn short(&mut self) -> String {
        self.next(&SHORT)
    }

    /// A question whose answer is long.
    pub(crate) fn long(&mut self) -> String {
        self.next(&LONG)
    }

    fn next(&mut self, endings: &[&str]) -> String {
        let at = self.asked;
        self.asked += 1;
        let (thing, again) = (THINGS[at % THINGS.len()], at / THINGS.len());
        let ending = endings[(at + again) % endings.len()];
        match again {
            0 => format!("{thing}: {ending}"),
            // A number first: after so many questions the things begin again.
            _ => format!("{again}. {thing}: {ending}"),
        }
    }

    /// Something to tell of about so many characters, words of a story.
    pub(crate) fn tale(&mut self, characters: usize) -> String {
        let mut tale = self.short();
        while tale.len() < characters {
            let (one, other) = (THINGS[(self.asked * 7) % THINGS.len()], THINGS[(self.asked * 13) % THINGS.len()]);
            self.asked += 1;
            let told =
                format!(" My uncle told me that {one} and {other} have more to do with each other than it seems.");
            tale.push_str(&told);
        }
        tale.truncate(characters);
        tale
    }
}

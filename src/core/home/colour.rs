//! Colours as lamps take them: red, green and blue; hue and saturation; the CIE 1931 diagram; the warmth of white.

/// A colour, as parts of 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// Reads `#ff8000`.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        let digits = hex.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(Self(part(0)?, part(2)?, part(4)?))
    }

    fn parts(self) -> [f64; 3] {
        [self.0, self.1, self.2].map(|part| f64::from(part) / 255.0)
    }

    /// Hue in degrees, saturation in percent.
    #[must_use]
    pub fn hue_and_saturation(self) -> (f64, f64) {
        let [red, green, blue] = self.parts();
        let most = red.max(green).max(blue);
        let span = most - red.min(green).min(blue);
        if span <= 0.0 {
            return (0.0, 0.0);
        }
        let sixth = if most <= red {
            ((green - blue) / span).rem_euclid(6.0)
        } else if most <= green {
            (blue - red) / span + 2.0
        } else {
            (red - green) / span + 4.0
        };
        (round(sixth * 60.0, 3), round(span / most * 100.0, 3))
    }

    /// x and y of the CIE 1931 diagram, by the wide-gamut matrix that Philips publishes for its lamps and Home Assistant
    /// uses; black has the white point's.
    #[must_use]
    pub fn xy(self) -> (f64, f64) {
        let linear =
            self.parts().map(|part| if part > 0.04045 { ((part + 0.055) / 1.055).powf(2.4) } else { part / 12.92 });
        let [red, green, blue] = linear;
        let x = red * 0.664_511 + green * 0.154_324 + blue * 0.162_028;
        let y = red * 0.283_881 + green * 0.668_433 + blue * 0.047_685;
        let z = red * 0.000_088 + green * 0.072_31 + blue * 0.986_039;
        let sum = x + y + z;
        if sum <= 0.0 { (0.323, 0.329) } else { (round(x / sum, 3), round(y / sum, 3)) }
    }
}

/// Mireds are a million divided by kelvins, and the other way round.
#[must_use]
pub fn mired(kelvin: f64) -> f64 {
    (1e6 / kelvin.max(1.0)).round()
}

fn round(number: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    (number * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_the_same_in_every_form() {
        assert_eq!(Rgb(255, 0, 0).hue_and_saturation(), (0.0, 100.0));
        assert_eq!(Rgb(0, 0, 255).hue_and_saturation(), (240.0, 100.0));
        assert!(Rgb(255, 128, 128).hue_and_saturation().0.abs() < f64::EPSILON);
        assert_eq!(Rgb(255, 0, 255).hue_and_saturation(), (300.0, 100.0));
        assert_eq!(Rgb(0, 0, 0).hue_and_saturation(), (0.0, 0.0));
        // As Home Assistant's own tests have them.
        assert_eq!(Rgb(255, 0, 0).xy(), (0.701, 0.299));
        assert_eq!(Rgb(0, 255, 0).xy(), (0.172, 0.747));
        assert_eq!(Rgb(0, 0, 255).xy(), (0.136, 0.04));
        assert_eq!(Rgb(0, 0, 0).xy(), (0.323, 0.329));
    }

    #[test]
    fn white_has_a_warmth() {
        assert!((mired(2_700.0) - 370.0).abs() < f64::EPSILON);
        assert!((mired(6_500.0) - 154.0).abs() < f64::EPSILON);
        assert!(mired(0.0).is_finite());
    }
}

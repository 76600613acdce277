//! How many answers of a model run and wait at once, in all and for one user. Beyond that it is busy, which is said at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::lock;

/// Answers that may wait for each slot of a model.
const WAITING_PER_SLOT: usize = 4;
/// Answers of one user that may wait, whatever the slots.
const WAITING_PER_USER: usize = 2;

/// Who has a place with one model.
#[derive(Debug)]
pub(super) struct Admission {
    slots: usize,
    /// Places taken, by user; a user with none is not in it.
    taken: Mutex<HashMap<String, usize>>,
}

/// Why somebody gets no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// Too many answers are running and waiting.
    Everybody,
    /// Too many of this user's are.
    User,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    admission: Arc<Admission>,
    user: String,
}

impl Admission {
    pub(super) fn new(slots: u32) -> Self {
        Self { slots: usize::try_from(slots).unwrap_or(1).max(1), taken: Mutex::default() }
    }

    /// Takes a place if there is one for this user.
    pub(super) fn take(self: &Arc<Self>, user: &str) -> Result<Place, Full> {
        let mut taken = lock(&self.taken);
        if taken.values().sum::<usize>() >= self.slots * (1 + WAITING_PER_SLOT) {
            return Err(Full::Everybody);
        }
        if taken.get(user).is_some_and(|places| *places >= self.slots + WAITING_PER_USER) {
            return Err(Full::User);
        }
        *taken.entry(user.to_owned()).or_default() += 1;
        drop(taken);
        Ok(Place { admission: Arc::clone(self), user: user.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.admission.taken);
        if let Some(places) = taken.get_mut(&self.user) {
            *places -= 1;
            if *places == 0 {
                taken.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Admission, Full, Place};

    #[test]
    fn a_user_has_a_few_places_and_all_together_have_a_bound() {
        let admission = Arc::new(Admission::new(2));
        let mut places: Vec<Place> = (0..4).map(|_| admission.take("noisy").unwrap()).collect();
        assert_eq!(admission.take("noisy").unwrap_err(), Full::User);
        places.extend((0..6).map(|n| admission.take(&format!("polite {n}")).unwrap()));
        assert_eq!(admission.take("late").unwrap_err(), Full::Everybody);
        places.remove(0);
        places.push(admission.take("noisy").unwrap());
        drop(places);
        assert!(admission.taken.lock().unwrap().is_empty(), "nobody is remembered for ever");
    }
}

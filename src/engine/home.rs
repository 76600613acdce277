//! The home as the engine keeps it: what devices announce and report comes in, and whoever waits for a report is woken.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use crate::core::home::described::Described;
use crate::core::home::{House, Reserved, discovery};
use crate::core::intents::Rules;
use crate::core::secret::Secret;

use super::{Engine, lock};

/// Announcements come many at once; their names are learned once they have been silent for so long.
const SETTLED: Duration = Duration::from_millis(100);
/// Commands whose devices' reports are waited for at once; those beyond are sent, and answered at once.
const MOST_WAITING: usize = 256;

/// What of the config the home goes by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HomeSettings {
    /// The topics that no device may name as its own.
    pub reserved: Reserved,
    /// Rooms, floors, sites and devices in somebody's words.
    pub described: Described,
    /// How long a device may take to report what it was told to do.
    pub confirm_within: Duration,
    /// What must be said, beside yes, for what guards the house to be opened.
    pub pin: Option<Secret>,
}

/// The devices, the rules as they are written, and the rules for these devices.
pub(super) struct Home {
    pub(super) house: Mutex<House>,
    written: RwLock<Arc<Rules>>,
    rules: RwLock<Arc<Rules>>,
    announced: Notify,
    waiting: Mutex<Vec<Arc<Waiting>>>,
}

/// Somebody who waits for devices to report.
struct Waiting {
    topics: HashSet<String>,
    woken: Notify,
}

/// A place among those who wait; given back when dropped.
pub(super) struct Ear {
    home: Arc<Home>,
    waiting: Arc<Waiting>,
}

impl Home {
    pub(super) fn new(settings: &HomeSettings, lang: &str, rules: Rules) -> Self {
        let rules = Arc::new(rules);
        let mut house = House::new(settings.reserved.clone());
        house.describe(settings.described.clone());
        let home = Self {
            house: Mutex::new(house),
            written: RwLock::new(Arc::clone(&rules)),
            rules: RwLock::new(rules),
            announced: Notify::new(),
            waiting: Mutex::default(),
        };
        home.settle(lang);
        home
    }

    pub(super) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other rules in the place of the written ones.
    pub(super) fn replace_rules(&self, rules: Rules, lang: &str) {
        *self.written.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        self.settle(lang);
    }

    /// Places the devices anew, and lets the rules know the names that follow.
    pub(super) fn settle(&self, lang: &str) {
        let written = Arc::clone(&self.written.read().unwrap_or_else(PoisonError::into_inner));
        let mut house = lock(&self.house);
        let names = house.settle(&written.rooms(lang), lang);
        // Still under the lock: who settles last has seen the most.
        let rules = Arc::new(written.for_home(&names));
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// Wakes those who wait for a report on this topic.
    fn wake(&self, topic: &str) {
        for waiting in lock(&self.waiting).iter().filter(|waiting| waiting.topics.contains(topic)) {
            waiting.woken.notify_one();
        }
    }

    /// Waits for reports on these topics from now on; `None` where too many wait.
    pub(super) fn listen(self: &Arc<Self>, topics: HashSet<String>) -> Option<Ear> {
        let mut all = lock(&self.waiting);
        if all.len() >= MOST_WAITING {
            return None;
        }
        let waiting = Arc::new(Waiting { topics, woken: Notify::new() });
        all.push(Arc::clone(&waiting));
        Some(Ear { home: Arc::clone(self), waiting })
    }
}

impl Ear {
    /// Waits for the next report.
    pub(super) async fn report(&self) {
        self.waiting.woken.notified().await;
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        lock(&self.home.waiting).retain(|waiting| !Arc::ptr_eq(waiting, &self.waiting));
    }
}

impl Engine {
    /// Takes what was said on a topic that is none of ours; returns the topics to listen to that nobody listened to before.
    #[must_use]
    pub fn hear(&self, topic: &str, payload: &[u8]) -> Vec<String> {
        let home = &self.shared.home;
        if discovery::announces(topic) {
            let mut house = lock(&home.house);
            let known = house.problems().contains_key(topic);
            let topics = house.announce(topic, payload);
            // Once a topic: a device that announces itself wrongly does so at every start.
            if !known && let Some(problems) = house.problems().get(topic) {
                log::warn!("{topic}: {}", problems.join("; "));
            }
            home.announced.notify_one();
            return topics;
        }
        let mut house = lock(&home.house);
        let others = house.hear(topic, payload);
        let questions = house.questions();
        drop(house);
        home.wake(topic);
        for topic in &others {
            home.wake(topic);
        }
        for question in questions {
            // A device that is not asked now is asked on the next connection.
            let _ = self.shared.bus.command(question.into());
        }
        Vec::new()
    }

    /// Every topic that devices report on. For a new connection: nobody knows what was said without one.
    #[must_use]
    pub fn device_topics(&self) -> Vec<String> {
        let mut house = lock(&self.shared.home.house);
        house.ask_again();
        house.topics()
    }

    /// How many things of the home may be spoken of.
    #[must_use]
    pub fn devices(&self) -> usize {
        lock(&self.shared.home.house).spoken_of_count()
    }

    /// Learns the names of what is announced, for ever.
    pub async fn keep_home(self) {
        let home = &self.shared.home;
        loop {
            home.announced.notified().await;
            while tokio::time::timeout(SETTLED, home.announced.notified()).await.is_ok() {}
            home.settle(&self.shared.settings().language);
            log::debug!("the home has {} devices to speak of", self.devices());
        }
    }

    /// Takes other words about the home.
    pub(super) fn describe_home(&self, settings: &HomeSettings) {
        let home = &self.shared.home;
        lock(&home.house).describe(settings.described.clone());
        home.settle(&self.shared.settings().language);
    }
}

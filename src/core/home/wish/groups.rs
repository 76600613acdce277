//! One message to a bridge's group, where all that are in it are to do the same.

use std::collections::BTreeSet;

use jiff::Zoned;

use super::{Outcome, Step, merged};
use crate::core::home::{Device, House};

impl House {
    /// Lets the message to a group stand for those to its members, the largest groups first.
    pub(super) fn join(&self, steps: &mut [Step], now: &Zoned) {
        if steps.len() < 2 {
            return;
        }
        for (group, members) in self.groups.ids() {
            let of_group = self.steps_of(members, steps);
            let Some(component) = self.component_of_all(members.len(), &of_group, steps) else { continue };
            let known = self.devices.iter().find(|(_, device)| {
                device.is_group && device.component == component && device.unit_id() == Some(group.as_str())
            });
            if let Some((key, device)) = known {
                let name =
                    self.placing.by_key.get(key).map_or_else(|| device.name.clone(), |placed| placed.spoken.clone());
                self.send_through(device, &name, (steps, &of_group), now);
            }
        }
    }

    /// The steps of a group's members.
    fn steps_of(&self, members: &BTreeSet<String>, steps: &[Step]) -> Vec<usize> {
        let is_member = |step: &Step| {
            let unit = self.devices.get(&step.key).and_then(Device::unit_id);
            unit.is_some_and(|unit| members.contains(unit)) && step.through.is_none()
        };
        steps.iter().enumerate().filter(|(_, step)| is_member(step)).map(|(number, _)| number).collect()
    }

    /// What all of so many members are, where each is one thing and they are to do the same.
    fn component_of_all(&self, members: usize, of_group: &[usize], steps: &[Step]) -> Option<&str> {
        let known = |number: &usize| {
            let step = steps.get(*number)?;
            Some((self.devices.get(&step.key)?, &step.deeds))
        };
        let all: Vec<(&Device, _)> = of_group.iter().filter_map(known).collect();
        let (first, deeds) = *all.first()?;
        let units: BTreeSet<_> = all.iter().filter_map(|(device, _)| device.unit_id()).collect();
        let is_alike = all.iter().all(|(device, other)| device.component == first.component && *other == deeds);
        let is_whole = all.len() == members && units.len() == members;
        (is_whole && is_alike && !deeds.is_empty()).then_some(first.component.as_str())
    }

    /// Puts a group's messages in the place of its members', where there are fewer.
    fn send_through(&self, group: &Device, name: &str, (steps, of_group): (&mut [Step], &[usize]), now: &Zoned) {
        let heard = self.heard(now);
        let alone: usize =
            of_group.iter().filter_map(|number| steps.get(*number)).map(|step| step.messages.len()).sum();
        let Some(deeds) = of_group.first().and_then(|first| steps.get(*first)).map(|step| &step.deeds) else { return };
        let made: Result<Vec<_>, _> = deeds.iter().map(|deed| group.thing.messages(deed, &heard.made)).collect();
        let Ok(made) = made else { return };
        let mut messages = merged(made.into_iter().flatten().collect());
        if messages.is_empty() || messages.len() >= alone {
            return;
        }
        for number in of_group {
            let Some(step) = steps.get_mut(*number) else { continue };
            // What cannot be reached hears nothing of it.
            if step.outcome != Outcome::Offline {
                step.messages = std::mem::take(&mut messages);
                step.through = Some(name.to_owned());
            }
        }
    }
}

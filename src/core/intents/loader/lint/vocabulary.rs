//! Words that count without any file having them: what Home Assistant calls intents, slots, kinds of things and what is known
//! of a thing. Its sentences in other languages, or a home that is described elsewhere, may bring each of them along.
//!
//! Names alone stand here, one data table for each kind; what is wrong with a file is decided elsewhere.

/// Intents, Home Assistant's and those of the shipped files.
const INTENTS: &str = "\
    HassBroadcast HassCancelAllTimers HassCancelTimer HassClimateGetTemperature HassClimateSetFanMode \
    HassClimateSetHvacMode HassClimateSetTemperature HassCloseCover HassDecreaseTimer HassFanSetSpeed \
    HassGetCurrentDate HassGetCurrentTime HassGetState HassGetTemperature HassGetWeather HassHumidifierMode \
    HassHumidifierSetpoint HassIncreaseTimer HassLawnMowerDock HassLawnMowerStartMowing HassLightSet \
    HassListAddItem HassListCompleteItem HassListRemoveItem HassMediaNext HassMediaPause HassMediaPlayerMute \
    HassMediaPlayerUnmute HassMediaPrevious HassMediaSearchAndPlay HassMediaUnpause HassNevermind HassOpenCover \
    HassPauseTimer HassRespond HassSetPosition HassSetVolume HassSetVolumeRelative HassShoppingListAddItem \
    HassShoppingListCompleteItem HassShoppingListLastItems HassStartTimer HassStopMoving HassTimerStatus \
    HassToggle HassTurnOff HassTurnOn HassUnpauseTimer HassVacuumCleanArea HassVacuumReturnToBase HassVacuumStart \
    HearthdAlarmStatus HearthdCancelAlarm HearthdCancelReminder HearthdClimateSetMode HearthdClimateStep \
    HearthdCommandAt HearthdFanStep HearthdLightStep HearthdListItems HearthdRemind HearthdReminderStatus \
    HearthdSelectOption HearthdSelectSource HearthdSetAlarm HearthdSetNumber HearthdSetPreset";

/// Slots that those intents have: whoever reads replies knows what to do with them.
const SLOTS: &str = "\
    name area floor domain device_class state preferred_area_id preferred_floor_id brightness brightness_step \
    color color_temp temperature temperature_unit hvac_mode preset_mode fan_mode mode humidity source option number percentage percentage_step \
    position volume_level volume_step is_volume_muted search_query media_class item status hours minutes seconds \
    start_hours start_minutes start_seconds conversation_command hour minute part day reminder all date time message response except";

/// Kinds of things.
const DOMAINS: &str = "\
    alarm_control_panel assist_satellite automation binary_sensor button calendar camera climate conversation \
    counter cover date datetime device_tracker event fan geo_location group humidifier image input_boolean \
    input_button input_datetime input_number input_select input_text lawn_mower light lock media_player notify \
    number person plant proximity remote scene schedule script select sensor siren sun switch text time timer todo \
    update vacuum valve water_heater weather zone";

/// What a thing of some kind is for.
const DEVICE_CLASSES: &str = "\
    absolute_humidity apparent_power aqi area atmospheric_pressure awning battery battery_charging blind \
    blood_glucose_concentration carbon_dioxide carbon_monoxide cold conductivity connectivity current curtain \
    damper data_rate data_size date dehumidifier distance door doorbell duration energy energy_distance \
    energy_storage enum firmware frequency garage garage_door gas gate heat humidifier humidity identify \
    illuminance irradiance light lock moisture monetary motion moving nitrogen_dioxide nitrogen_monoxide \
    nitrous_oxide occupancy opening outlet ozone ph plug pm1 pm10 pm25 pm4 power power_factor precipitation \
    precipitation_intensity presence pressure problem reactive_energy reactive_power receiver restart running \
    safety shade shutter signal_strength smoke sound sound_pressure speaker speed sulphur_dioxide switch tamper \
    temperature temperature_delta timestamp tv update vibration volatile_organic_compounds \
    volatile_organic_compounds_parts voltage volume volume_flow_rate volume_storage water weight wind_direction \
    wind_speed window";

/// What is known of every thing that a list or a home has.
const KEYS: &str = "\
    domain device_class area floor";

/// What Home Assistant tells of a thing besides, in values of its own.
const ATTRIBUTES: &str = "\
    assumed_state attribution battery battery_level brightness color_mode color_temp color_temp_kelvin \
    current_humidity current_position current_temperature current_tilt_position effect effect_list entity_category \
    entity_id fan_mode fan_modes fan_speed fan_speed_list friendly_name hs_color hvac_action hvac_mode hvac_modes \
    icon id in_progress is_volume_muted labels manufacturer max max_humidity max_temp media_artist \
    media_content_id media_content_type media_title min min_humidity min_temp model mode modes options oscillating \
    percentage percentage_step position preset_mode preset_modes rgb_color rgbw_color shuffle sound_mode \
    sound_mode_list source source_list state state_class step supported_color_modes supported_features swing_mode \
    swing_modes target_temp_high target_temp_low temperature temperature_unit tilt_position unit_of_measurement \
    volume_level xy_color";

/// Whether an intent of that name may come with other files.
pub(super) fn is_intent(name: &str) -> bool {
    has(INTENTS, name)
}

pub(super) fn intents<'a>() -> impl Iterator<Item = &'a str> {
    INTENTS.split(' ')
}

/// Whether a slot is one of those intents'.
pub(super) fn is_slot(name: &str) -> bool {
    has(SLOTS, name)
}

pub(super) fn slots<'a>() -> impl Iterator<Item = &'a str> {
    SLOTS.split(' ')
}

/// What may be known of a thing.
pub(super) fn keys<'a>() -> impl Iterator<Item = &'a str> {
    KEYS.split(' ').chain(ATTRIBUTES.split(' '))
}

/// The values that something known of a thing may have; `None` where that is not known.
pub(super) fn values(key: &str) -> Option<std::str::Split<'static, char>> {
    match key {
        "domain" => Some(DOMAINS.split(' ')),
        "device_class" => Some(DEVICE_CLASSES.split(' ')),
        _ => None,
    }
}

/// Whether something known of a thing has values that no file has to name.
pub(super) fn is_open(key: &str) -> bool {
    has(ATTRIBUTES, key) || key == "area" || key == "floor"
}

fn has(table: &str, word: &str) -> bool {
    table.split(' ').any(|known| known == word)
}

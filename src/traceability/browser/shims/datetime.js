// datetime: days of the calendar and moments in UTC, from year 1 to 9999, as the core uses them.
//
// Python reads more spellings of a day or moment than this; the core writes again what it reads and compares, or has
// matched it with a pattern before, so that reading the one spelling is enough.

import * as $ from "../runtime.js";

const DAY_MS = 86_400_000;
const FIRST_DAY = -719_162;
const LAST_DAY = 2_932_896;
const DAY = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
const MOMENT = /^([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z$/;

export const UTC = "UTC";

class Days {
  constructor(days) {
    this.days = days;
  }
}

/** Whole days only. */
export function timedelta(days) {
  return new Days(days);
}
timedelta.$$params = ["days"];

class CalendarDay {
  /** A day, counted from 1970-01-01. */
  constructor(number) {
    if (number < FIRST_DAY || number > LAST_DAY) throw new $.OverflowError("date value out of range");
    this.number = number;
  }

  $toordinal() {
    return this.number - FIRST_DAY + 1;
  }

  $isoformat() {
    const iso = new Date(this.number * DAY_MS).toISOString();
    return iso.slice(0, iso.indexOf("T"));
  }

  $__add__(delta) {
    return new CalendarDay(this.number + delta.days);
  }
}

export function date(year, month, day) {
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  if (year < 1 || year > 9999) throw new $.ValueError(`year ${year} is out of range`);
  if (month < 1 || month > 12) throw new $.ValueError("month must be in 1..12");
  if (at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day) {
    throw new $.ValueError("day is out of range for month");
  }
  return new CalendarDay(at / DAY_MS);
}
date.$fromisoformat = (text) => {
  const match = DAY.exec(text);
  if (match === null) throw new $.ValueError(`Invalid isoformat string: ${$.repr(text)}`);
  return date(...match.slice(1).map(Number));
};

class Moment {
  /** A moment in seconds since 1970. */
  constructor(seconds) {
    this.seconds = seconds;
  }

  $timestamp() {
    return this.seconds;
  }

  $date() {
    return new CalendarDay(Math.floor(this.seconds / 86_400));
  }

  $isoformat() {
    const iso = new Date(this.seconds * 1000).toISOString();
    return `${iso.slice(0, 19)}+00:00`;
  }
}

export const datetime = {
  $fromisoformat(text) {
    const match = MOMENT.exec(text);
    if (match === null) throw new $.ValueError(`Invalid isoformat string: ${$.repr(text)}`);
    const [hour, minute, second] = match.slice(2).map(Number);
    if (hour > 23) throw new $.ValueError("hour must be in 0..23");
    if (minute > 59) throw new $.ValueError("minute must be in 0..59");
    if (second > 59) throw new $.ValueError("second must be in 0..59");
    const days = date.$fromisoformat(match[1]).number;
    return new Moment(days * 86_400 + hour * 3600 + minute * 60 + second);
  },

  $fromtimestamp(seconds) {
    const day = Math.floor(Number(seconds) / 86_400);
    if (day < FIRST_DAY || day > LAST_DAY) throw new $.ValueError("year is out of range");
    return new Moment(seconds);
  },
};

"""Random calendars, and the plainest possible reading of them: moment by moment, with Python's time zones.

A stretch of time is a grid of moments. For each moment the local date and time is looked up, and each rule is asked. Nothing
here is shared with the C++ code: no spans, no eras of a zone.
"""

import calendar as months_of
import datetime
import functools
import operator
import zoneinfo

UTC = datetime.timezone.utc
ZONES = ["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham", "Africa/Casablanca",
         "America/St_Johns", "Europe/Dublin", "Antarctica/Troll", "Pacific/Kiritimati", "America/Santiago"]
WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
# Midnights of UTC from which stretches begin: before changes of clocks in the north and the south, ends of years and months,
# a leap day, begin and end of Ramadan in Morocco.
BEGINS = ["2027-03-12", "2027-03-26", "2027-10-01", "2027-10-29", "2027-11-05", "2027-04-02", "2027-09-24", "2027-12-30", "2028-02-27",
          "2028-12-30", "2027-01-29", "2027-06-15", "2027-02-06", "2027-03-13", "2028-03-24", "2028-09-22", "2028-04-01", "2029-02-26"]


def instant(text):
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


OTHER_WAY_ROUND = bytes([1, 0]) + bytes(254)


@functools.lru_cache(maxsize=None)
def date_of(day):
    """Weekday from Sunday, day, days of its month, month, year."""
    date = datetime.date.fromordinal(day)
    return (date.isoweekday() % 7, date.day, months_of.monthrange(date.year, date.month)[1], date.month, date.year)


class Grid:
    """The local time of each moment: its date, as an index into `dates`; the minute of its day; the minutes since year 1."""

    def __init__(self, zone, begin, step, count):
        info = zoneinfo.ZoneInfo(zone)
        self.dates, numbers, minutes, self.all_minutes = [], [], [], []
        for i in range(count):
            local = datetime.datetime.fromtimestamp(begin + i * step, UTC).astimezone(info)
            date = date_of(local.toordinal())
            if date not in self.dates[-2:]:
                self.dates.append(date)
            numbers.append(len(self.dates) - 1 if date == self.dates[-1] else len(self.dates) - 2)
            minutes.append(local.hour * 60 + local.minute)
            self.all_minutes.append(local.toordinal() * 1440 + minutes[-1])
        self.pick_dates, self.pick_minutes = operator.itemgetter(*numbers), operator.itemgetter(*minutes)


local_times = functools.lru_cache(maxsize=None)(Grid)


def holds(text, value, number_of, days_in_month=None):
    """Whether one entry of a list, "3" or "monday:friday", holds the value."""
    first, _, last = str(text).partition(":")
    begin, end = number_of(first), number_of(last or first)
    if days_in_month is not None:
        begin = days_in_month + 1 + begin if begin < 0 else begin
        end = days_in_month + 1 + end if end < 0 else end
    return begin <= value <= end


def date_holds(rule, date):
    weekday, day, days, month, year = date
    for key, value, number_of, days_in_month in (
            ("weekdays", weekday, WEEKDAYS.index, None), ("days_of_month", day, int, days),
            ("months", month, lambda text: MONTHS.index(text) + 1 if text in MONTHS else int(text), None), ("years", year, int, None)):
        if key in rule and not any(holds(text, value, number_of, days_in_month) for text in rule[key]):
            return False
    return True


def minute_of(text):
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def rule_mask(rule, begin, step, count):
    times = [(minute_of(t["start_time"]), minute_of(t["end_time"])) for t in rule.get("times", [])] or [(0, 1440)]
    minutes = bytearray(1440)
    for first, last in times:
        minutes[first:last] = b"\1" * (last - first)
    grid = local_times(rule.get("location", "UTC"), begin, step, count)
    dates = bytes(date_holds(rule, date) for date in grid.dates)
    return all_of([bytes(grid.pick_dates(dates)), bytes(grid.pick_minutes(minutes))], count)


def local_minute(text, end):
    at = datetime.datetime.fromisoformat(text)
    if len(text) == 10 and end:
        at += datetime.timedelta(days=1)
    return at.toordinal() * 1440 + at.hour * 60 + at.minute


def period_mask(period, begin, step, count):
    """From the first moment with its begin on the clock, or after it, to the last moment with its end, or after those before it."""
    first, last = local_minute(period["begin"], False), local_minute(period["end"], True)
    times = local_times(period.get("location", "UTC"), begin, step, count).all_minutes
    on = next((i for i, minute in enumerate(times) if minute >= first), count)
    off = next((i + (times[i] < last) for i in range(count - 1, -1, -1) if times[i] <= last), 0)
    return bytes(on) + b"\1" * max(0, off - on) + bytes(count - max(on, off))


def all_of(masks, count):
    total = -1
    for mask in masks:
        total &= int.from_bytes(mask, "big")
    return total.to_bytes(count, "big")


def any_of(masks, count):
    total = 0
    for mask in masks:
        total |= int.from_bytes(mask, "big")
    return total.to_bytes(count, "big")


def union(spans, begin, end):
    """[[begin, end]] in milliseconds, joined where they touch, within [begin, end)."""
    joined = []
    for first, last in sorted(spans):
        first, last = max(first, begin), min(last, end)
        if first >= last:
            continue
        if joined and first * 1000 <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], round(last * 1000))
        else:
            joined.append([round(first * 1000), round(last * 1000)])
    return joined


class Stretch:
    """A grid with a day more on both sides, so that what begins before it is seen."""

    def __init__(self, begin, days, step):
        self.step = step
        self.margin = 86400 // step
        self.first = begin - 86400
        self.count = (days + 2) * 86400 // step
        self.begin = begin
        self.end = begin + days * 86400

    def mask(self, interval):
        if "begin" in interval:
            return period_mask(interval, self.first, self.step, self.count)
        return any_of([rule_mask(rule, self.first, self.step, self.count) for rule in interval["time_intervals"]], self.count)

    def spans(self, mask):
        """Of the mask without its margins: [[begin, end]] in milliseconds."""
        inner = mask[self.margin:self.count - self.margin] + b"\0"
        spans, i = [], inner.find(b"\1")
        while i >= 0:
            end = inner.find(b"\0", i)
            spans.append([self.at(self.margin + i), self.at(self.margin + end)])
            i = inner.find(b"\1", end)
        return spans

    def at(self, i):
        return (self.first + i * self.step) * 1000

    def index(self, ms):
        return (ms // 1000 - self.first) // self.step


def slot_of(stretch, masks, site, ask):
    """[begin, end or None], or None: each moment is tried, and each moment after it until the run would end."""
    count = stretch.count
    free = bytearray(b"\1" * count)
    if ask["windows"]:
        free = bytearray(any_of([masks[name] for name in ask["windows"]], count))
    shut = any_of([masks[name] for name in [*ask["blackouts"], *site]], count)
    free = bytearray(all_of([free, shut.translate(OTHER_WAY_ROUND)], count))
    for begin, end in ask["occupied"]:
        for i in range(stretch.index(begin), stretch.index(end)):
            free[i] = 0
    now, needed = stretch.index(ask["now"]), ask["needed"] // 1000 // stretch.step
    last = stretch.index(ask["now"] + ask["horizon"])
    i = now
    while i <= last:
        end = i
        while end <= last + needed and free[end]:
            end += 1
        if end > i and end - i >= needed:
            return [stretch.at(i), stretch.at(end) if end <= last + needed else None]
        i = end + 1
    return None


def lowered(calendar):
    """The reading above knows small letters only."""
    for interval in calendar.get("time_intervals", []):
        for rule in interval["time_intervals"]:
            if "months" in rule:
                rule["months"] = [text.lower() for text in rule["months"]]
    return calendar


class Maker:
    """Random calendars and questions about one stretch."""

    def __init__(self, random, stretch):
        self.random = random
        self.stretch = stretch
        self.unit = stretch.step // 60

    def range_of(self, least, most, word=str):
        first = self.random.randint(least, most)
        last = self.random.randint(first, most) if self.random.random() < 0.6 else first
        return word(first) if first == last else f"{word(first)}:{word(last)}"

    def some(self, make, most=3):
        return [make() for _ in range(self.random.randint(1, most))]

    def clock(self, minutes):
        return f"{minutes // 60:02}:{minutes % 60:02}"

    def times(self):
        steps = 1440 // self.unit
        first = self.random.randrange(steps)
        if self.random.random() < 0.4:
            first = self.random.randrange(steps // 6)  # the hours in which clocks change
        last = self.random.randint(first + 1, min(steps, first + self.random.choice([2, 8, steps])))
        return {"start_time": self.clock(first * self.unit), "end_time": self.clock(last * self.unit)}

    def day_of_month(self):
        form = self.random.random()
        if form < 0.5:
            return self.range_of(1, 31)
        if form < 0.8:
            return self.range_of(-28, -1)
        return f"{self.random.randint(1, 20)}:{self.random.randint(-8, -1)}"

    def month(self, number):
        return self.random.choice([str(number), MONTHS[number - 1], MONTHS[number - 1].capitalize()])

    def rule(self):
        rule = {}
        chance = self.random.random
        if chance() < 0.7:
            rule["times"] = self.some(self.times)
        if chance() < 0.4:
            rule["weekdays"] = self.some(lambda: self.range_of(0, 6, lambda n: WEEKDAYS[n]))
        if chance() < 0.3:
            rule["days_of_month"] = self.some(self.day_of_month)
        if chance() < 0.2:
            rule["months"] = self.some(lambda: self.range_of(1, 12, self.month))
        if chance() < 0.15:
            rule["years"] = self.some(lambda: self.range_of(2026, 2029))
        if chance() < 0.85:
            rule["location"] = self.random.choice(ZONES)
        return rule

    def period(self, name):
        period = {"name": name, "location": self.random.choice(ZONES)}
        whole_days = self.random.random() < 0.4
        while True:
            ends = sorted(self.random.randint(0, (self.stretch.end - self.stretch.begin) // 60 // self.unit) for _ in range(2))
            texts = [datetime.datetime.fromtimestamp(self.stretch.begin + end * self.unit * 60, UTC).strftime("%Y-%m-%d %H:%M") for end in ends]
            if whole_days:
                period["begin"], period["end"] = (text[:10] for text in texts)
                return period
            # One that begins and ends in a missing hour is refused.
            if ends[1] - ends[0] > 180 // self.unit:
                period["begin"], period["end"] = texts
                return period

    def calendar(self):
        calendar = {"time_intervals": [], "periods": []}
        names = [f"name {i}" for i in range(self.random.randint(1, 4))]
        for name in names:
            if self.random.random() < 0.75:
                calendar["time_intervals"].append({"name": name, "time_intervals": self.some(self.rule)})
            else:
                calendar["periods"].append(self.period(name))
        calendar["blackouts"] = [name for name in names if self.random.random() < 0.1]
        return {key: value for key, value in calendar.items() if value}, names

    def ask(self, names):
        step, length = self.stretch.step, (self.stretch.end - self.stretch.begin) // self.stretch.step
        pick = self.random.randint
        now = pick(0, length // 3)
        span = lambda: sorted(self.stretch.begin * 1000 + pick(0, length) * step * 1000 for _ in range(2))
        return {"windows": [name for name in names if self.random.random() < 0.5],
                "blackouts": [name for name in names if self.random.random() < 0.25],
                "now": (self.stretch.begin + now * step) * 1000,
                "needed": self.random.choice([0, 1, 4, 8, 12, 24, pick(0, length // 3)]) * step * 1000,
                "horizon": pick(0, length // 3) * step * 1000,
                "occupied": [span() for _ in range(self.random.choice([0, 0, 0, 1, 2]))] if length < 2000 else []}

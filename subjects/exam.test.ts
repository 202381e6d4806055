import { examineRoom } from "@operator/subject/exam";
import { roomNames } from "@operator/subject/load";
import { expect, test } from "vitest";

test("there is a room to examine", () => {
  expect(roomNames()).not.toEqual([]);
});

test.each(roomNames())("the room %s passes the exam", async (name) => {
  expect(await examineRoom(name)).toEqual([]);
});

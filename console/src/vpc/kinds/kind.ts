import type { EC2Client } from "@aws-sdk/client-ec2";
import type { ComponentType, ReactNode } from "react";
import type { Column } from "../../components/ResourceTable";
import type { DescribedTag } from "../../components/tags/tags";
import type { Read } from "../data/reads";

export interface Detail {
  readonly label: string;
  readonly value: ReactNode;
}

/** A type of network resource: what is read, what is shown, what can be done. Every page of resources is made of it. */
export interface Kind<Item> {
  readonly path: string;
  readonly title: string;
  readonly noun: string;
  readonly idPrefix: string;
  readonly read: Read<Item>;
  readonly idOf: (item: Item) => string;
  readonly tagsOf: (item: Item) => readonly DescribedTag[] | undefined;
  /** The columns behind id and name. */
  readonly columns: readonly Column<Item>[];
  readonly details: (item: Item) => readonly Detail[];
  /** What it is for and how to get the first one. */
  readonly empty: ReactNode;
  readonly create?: { readonly label: string; readonly Form: ComponentType<{ readonly onDismiss: () => void }> };
  readonly remove?: {
    readonly act: (ec2: EC2Client, item: Item) => Promise<unknown>;
    /** Why this one cannot be deleted, where that is known before. */
    readonly forbidden?: (item: Item) => string | undefined;
    /** "Release", where it is not called to delete. */
    readonly verb?: string;
    /** What goes with it. */
    readonly warning?: string;
    /** The question before it, where the common one is not enough. */
    readonly Dialog?: ComponentType<{
      readonly item: Item;
      readonly onDismiss: () => void;
      readonly onDone: () => void;
    }>;
  };
  /** Buttons of the page of one resource. */
  readonly Actions?: ComponentType<{ readonly item: Item }>;
  /** Editors and lists below the details. */
  readonly panels?: readonly ComponentType<{ readonly item: Item }>[];
}

/** A type whose item type nobody outside needs to know. */
export interface KindPages {
  readonly path: string;
  readonly title: string;
  readonly noun: string;
  readonly idPrefix: string;
  readonly list: () => ReactNode;
  readonly view: (id: string) => ReactNode;
}
